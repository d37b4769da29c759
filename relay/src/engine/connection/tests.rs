use std::io::Read;
use std::net::TcpListener;

use super::*;
use crate::closing::Closing;
use crate::engine::newcomer::Purpose;
use crate::places::Places;

/// A connection, and the client's end of it.
fn pair() -> (Connection, std::net::TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (socket, address) = listener.accept().unwrap();
    socket.set_nonblocking(true).unwrap();
    let outlet = Outlet::Socket { socket: mio::net::TcpStream::from_std(socket), deflates: false };
    let place = Places::new(1, None).take(address.ip()).unwrap();
    let now = Tick::default();
    (Connection::new(outlet, &Purpose::Many, place, 1, now, Tick::NEVER), client)
}

/// What comes before the close frame that is said at last.
#[track_caller]
fn check(waiting: Said, before: &[u8]) {
    let (mut connection, mut client) = pair();
    connection.say(waiting);
    connection.say(Said::Bytes(websocket::pong(b"later")));
    connection.say_at_last(Said::Close(Closing::Restart, 5));
    connection.flush(&mut Vec::new(), Tick::default()).unwrap();
    assert!(connection.has_said_all());
    drop(connection);
    let mut said = Vec::new();
    client.read_to_end(&mut said).unwrap();
    assert_eq!(said, [before, &websocket::close(Closing::Restart, 5)].concat());
}

#[test]
fn only_the_rest_of_a_frame_that_was_begun_comes_before_the_last_words() {
    check(Said::Rest(b"rest".as_slice().into()), b"rest");
    check(Said::Bytes(websocket::pong(b"whole")), b"");
    check(Said::Ping, b"");
}
