import json
import socket

from tests.cli.program import finished, running

EVERYWHERE = "0.0.0.0"  # noqa: S104


async def test_it_says_how_the_gateway_is(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    config = {"apiKey": "sk-dummy-key", "port": port, "host": EVERYWHERE}
    (tmp_path / "config.json").write_text(json.dumps(config))
    code, out, err = await finished(tmp_path, "health")
    assert (code, out, err) == (
        1,
        "",
        f"Error: http://127.0.0.1:{port} does not answer (ConnectionRefusedError)\n",
    )
    async with running(tmp_path, "serve") as gateway:
        await gateway.url()
        assert await finished(tmp_path, "health") == (0, "alive\n", "")
        code, out, err = await finished(tmp_path, "health", "--ready")
        assert (code, out, err) == (1, "", f"Error: http://127.0.0.1:{port} is not ready: accounts\n")
        assert await gateway.stop() == 0


async def test_another_program_is_not_taken_for_it(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        (tmp_path / "config.json").write_text(
            json.dumps({"apiKey": "sk-dummy-key", "port": server.getsockname()[1]})
        )
        server.listen()
        code, _, err = await finished(tmp_path, "health")  # it takes the connection and says nothing
    assert code == 1
    assert "does not answer (TimeoutError)" in err
