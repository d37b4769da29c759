"""uWebSockets through socketify: what comes to /publish goes to all who came to /viewers."""

import sys

from socketify import App, AppListenOptions, CompressOptions, OpCode

BEHAVIOUR = {"compression": CompressOptions.DISABLED, "max_payload_length": 65536, "idle_timeout": 0}


def main() -> None:
    host, port = sys.argv[1], int(sys.argv[2])
    app = App()

    def publish(ws, message, opcode):
        app.publish("item", message, OpCode.TEXT)

    app.ws("/publish", {**BEHAVIOUR, "message": publish})
    app.ws("/viewers", {**BEHAVIOUR, "open": lambda ws: ws.subscribe("item")})
    app.listen(AppListenOptions(port=port, host=host))
    app.run()


main()
