import re
import signal

import httpx

from tests.cli.program import finished, running


async def refresh(url):
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.post(f"{url}/refreshToken", json={"refreshToken": f"aor{'x' * 120}"})


async def test_it_says_where_it_listens_answers_and_stops(tmp_path):
    async with running(tmp_path, "simulate") as program:
        answer = await refresh(await program.url())
        assert answer.status_code == 200
        assert answer.json()["accessToken"].startswith("aoa")
        assert await program.stop(signal.SIGINT) == 0
    assert b"Traceback" not in program.err
    assert len(program.err.splitlines()) <= 3


async def test_a_script_rules_what_it_answers(tmp_path):
    (tmp_path / "trouble.toml").write_text(
        '[[rules]]\nwhen = { call = "refresh" }\nreply = { status = { code = 418, text = "short and stout" } }\n'
    )
    async with running(tmp_path, "simulate", "--script", "trouble.toml") as program:
        answer = await refresh(await program.url())
        assert (answer.status_code, answer.text) == (418, "short and stout")
        assert await program.stop() == 0


async def test_a_script_that_is_none_is_named(tmp_path):
    (tmp_path / "trouble.toml").write_text('[[rules]]\nwhen = { cats = "many" }\n')
    for script in ("trouble.toml", "missing.toml"):
        code, out, err = await finished(tmp_path, "simulate", "--script", script)
        assert (code, out) == (2, "")
        assert re.match(rf"Error: {script}(:| cannot be read:) ", err)
        assert "Traceback" not in err
