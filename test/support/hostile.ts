// Texts that try to be more than text in a page.

/** Names and output with which a test could try to break out of the text of the page. */
export const hostile = [
  '<script>document.title="taken"</script>',
  '</script><script>document.title="taken"</script>',
  '<img src=x onerror=document.title="taken">',
  '--><!--<script>',
  ']]>',
  '"\'`\\u003c$' + '{document.title}',
  '\u202egnp.elif\u202c \u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627',
  '\u001b[31mred\u001b[0m\u0000\u0007',
  'javascript:document.title="taken"',
];
