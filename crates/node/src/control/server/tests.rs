use super::*;
use std::io::BufRead as _;

fn server() -> (tempfile::TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::new(&folder.path().join("control.sock"));
    server.tend().unwrap();
    (folder, server)
}

fn connect(server: &Server) -> UnixStream {
    UnixStream::connect(&server.path).unwrap()
}

#[test]
fn request_in_pieces_is_answered_once() {
    let (_folder, mut server) = server();
    let mode = fs::metadata(&server.path).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, MODE);
    let mut stream = connect(&server);
    stream.write_all(br#"{"request":"#).unwrap();
    assert!(server.read().is_empty());
    stream.write_all(b"\"status\"}\n").unwrap();
    let asked = server.read();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].request, Request::Status);
    assert_eq!(asked[0].credentials.pid, std::process::id().cast_signed());
    server.answer(asked[0].client, &Response::Done);
    let mut line = String::new();
    io::BufReader::new(stream).read_line(&mut line).unwrap();
    assert_eq!(line, "{\"response\":\"done\"}\n");
}

#[test]
fn control_socket_blocked_at_first_is_created_later() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.sock");
    fs::create_dir(&path).unwrap();
    let mut server = Server::new(&path);
    server.tend().unwrap_err();
    assert!(server.read().is_empty());
    assert_eq!(server.descriptors().count(), 0);
    fs::remove_dir(&path).unwrap();
    server.tend().unwrap();
    connect(&server);
    assert_eq!(server.descriptors().count(), 1);
}

#[test]
fn removed_control_socket_is_created_again() {
    let (_folder, mut server) = server();
    fs::remove_file(&server.path).unwrap();
    server.tend().unwrap();
    connect(&server);
}

#[test]
fn client_with_closed_writing_side_is_answered_then_dropped() {
    let (_folder, mut server) = server();
    let mut stream = connect(&server);
    stream.write_all(b"{\"request\":\"status\"}\n").unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let asked = server.read();
    assert_eq!(asked.len(), 1);
    assert!(server.read().is_empty());
    server.tick();
    assert_eq!(server.descriptors().count(), 1, "its end wakes nobody");
    server.answer(asked[0].client, &Response::Done);
    let mut text = String::new();
    io::BufReader::new(stream).read_line(&mut text).unwrap();
    assert_eq!(text, "{\"response\":\"done\"}\n");
    server.tick();
    assert!(server.clients.is_empty());
    // A client that is gone altogether is not waited for.
    let mut gone = connect(&server);
    gone.write_all(b"{\"request\":\"status\"}\n").unwrap();
    assert_eq!(server.read().len(), 1);
    drop(gone);
    server.read();
    assert!(server.clients.is_empty());
}

#[test]
fn request_overlong_or_unreadable_is_refused() {
    let (_folder, mut server) = server();
    let mut stream = connect(&server);
    stream.write_all(b"nonsense\n").unwrap();
    assert!(server.read().is_empty());
    let mut line = String::new();
    io::BufReader::new(stream.try_clone().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("cannot be read"), "{line}");
    stream.write_all(&[b'x'; REQUEST_MAX]).unwrap();
    assert!(server.read().is_empty());
    stream.write_all(b"x").unwrap();
    assert!(server.read().is_empty());
    assert!(server.clients.is_empty());
}

#[test]
fn connections_are_bounded_and_removed_when_closed() {
    let (_folder, mut server) = server();
    let streams: Vec<_> = (0..=CLIENTS_MAX).map(|_| connect(&server)).collect();
    server.read();
    assert_eq!(server.clients.len(), CLIENTS_MAX);
    drop(streams);
    server.read();
    server.read();
    assert_eq!(server.clients.len(), 0);
}

#[test]
fn connections_of_group_members_leave_room_for_root() {
    let (_folder, mut server) = server();
    let member = Credentials { pid: 7, user: 12_345, group: 0 };
    let mut kept = Vec::new();
    for number in 0..3 * CLIENTS_MAX {
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        server.admit(ours, member);
        if number >= CLIENTS_MAX - FOR_ROOT {
            let mut line = String::new();
            io::BufReader::new(theirs).read_line(&mut line).unwrap();
            assert!(line.contains("too many ask at once"), "{line}");
        } else {
            kept.push(theirs);
        }
    }
    assert_eq!(server.clients.len(), CLIENTS_MAX - FOR_ROOT);
    let root = Credentials { user: 0, ..member };
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    server.admit(ours, root);
    theirs.write_all(b"{\"request\":\"status\"}\n").unwrap();
    assert_eq!(server.read().len(), 1, "root is heard");
}

#[test]
fn silent_connection_is_closed_and_connection_awaiting_answer_is_kept() {
    let (_folder, mut server) = server();
    let _silent = connect(&server);
    let mut asking = connect(&server);
    asking.write_all(b"{\"request\":\"status\"}\n").unwrap();
    let asked = loop {
        if let Some(asked) = server.read().pop() {
            break asked;
        }
    };
    assert_eq!(server.clients.len(), 2);
    for client in &mut server.clients {
        client.since -= PATIENCE + Duration::from_millis(1);
    }
    server.tick();
    let left: Vec<_> = server.clients.iter().map(|client| client.id).collect();
    assert_eq!(left, [asked.client]);
}
