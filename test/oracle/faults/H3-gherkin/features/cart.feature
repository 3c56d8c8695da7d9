Feature: Cart
  Scenario: Add
    Given an empty cart
    When I add 2 things
    Then it holds 2
  Scenario: Wrong
    Given an empty cart
    Then it holds 2
