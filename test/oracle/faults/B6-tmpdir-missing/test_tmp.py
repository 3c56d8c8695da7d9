def test_tmp(tmp_path):
    (tmp_path / "x").write_text("x")
