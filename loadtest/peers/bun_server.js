// uWebSockets in bun: what comes to /publish goes to all who came to /viewers.
const [hostname, port] = process.argv.slice(2);

Bun.serve({
  hostname,
  port: Number(port),
  fetch(request, server) {
    const isPublisher = new URL(request.url).pathname === "/publish";
    if (server.upgrade(request, { data: { isPublisher } })) return undefined;
    return new Response("this is a WebSocket", { status: 426 });
  },
  websocket: {
    perMessageDeflate: false,
    idleTimeout: 0,
    sendPings: false,
    open(socket) {
      if (!socket.data.isPublisher) socket.subscribe("item");
    },
    message(socket, message) {
      // Publishes to all but the sender, who is no viewer.
      socket.publish("item", message);
    },
  },
});
