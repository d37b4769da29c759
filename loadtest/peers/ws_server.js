// The library ws on Node.js: what comes to /publish goes to all who came to /viewers.
const { WebSocketServer } = require("ws");
const [host, port] = process.argv.slice(2);

const viewers = new Set();
const server = new WebSocketServer({ host, port: Number(port), backlog: 8192, perMessageDeflate: false });
server.on("connection", (socket, request) => {
  socket.on("error", () => socket.terminate());
  if (request.url !== "/publish") {
    viewers.add(socket);
    socket.on("close", () => viewers.delete(socket));
    return;
  }
  socket.on("message", (message) => {
    for (const viewer of viewers) viewer.send(message, { binary: false });
  });
});
