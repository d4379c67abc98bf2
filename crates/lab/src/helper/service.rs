//! A small web server for machines without nginx, with one page that names the node.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

/// How long a client may take for its request.
const PATIENCE: Duration = Duration::from_secs(1);

/// Serves the node's name on port 80 until it is killed.
pub(super) fn run(_arguments: &[String]) -> io::Result<()> {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let listener = TcpListener::bind(("0.0.0.0", 80))?;
    for connection in listener.incoming() {
        // A client that disconnects must not end the service.
        let _ = connection.and_then(|connection| serve(connection, &name));
    }
    Ok(())
}

/// Answers any request with the page.
fn serve(mut connection: TcpStream, name: &str) -> io::Result<()> {
    connection.set_read_timeout(Some(PATIENCE))?;
    connection.set_write_timeout(Some(PATIENCE))?;
    let mut request = [0; 1024];
    let _length = connection.read(&mut request)?;
    let length = name.len() + 1;
    write!(
        connection,
        "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n\r\n{name}\n"
    )
}
