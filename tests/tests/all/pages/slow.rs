//! Clients that hold connections without asking, or ask byte by byte.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use vigie_web::server::Limits;

use super::*;

/// Serves the pages of a bench within these limits; gives the port.
async fn serve(pages: &Pages, limits: Limits) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let service = Arc::clone(&pages.app.service);
    tokio::spawn(async move { vigie_web::serve_within(service, listener, limits, std::future::pending()).await });
    port
}

/// What one request gets.
async fn ask(port: u16, request: &str) -> String {
    let mut socket = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let _ = socket.read_to_string(&mut answer).await;
    answer
}

const PAGE: &str = "GET /a-propos HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

/// B10: eleven hundred slow clients, and no page any more.
#[tokio::test(flavor = "multi_thread")]
async fn slow_clients_crowd_each_other_out_and_a_quick_one_is_served() {
    let pages = pages().await;
    let limits = Limits { connections: 40, headers: Duration::from_secs(600), ..Limits::default() };
    let port = serve(&pages, limits).await;
    let mut slow = Vec::new();
    for n in 0..200 {
        let mut socket = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let begun = match n % 3 {
            0 => "",
            1 => "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ",
            _ => {
                "POST /entrer HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 5000\r\n\r\nemail="
            }
        };
        let _ = socket.write_all(begun.as_bytes()).await;
        slow.push(socket);
        if n % 20 == 0 {
            assert!(ask(port, PAGE).await.starts_with("HTTP/1.1 200"), "after {n} slow clients");
        }
    }
    assert!(ask(port, PAGE).await.starts_with("HTTP/1.1 200"));
    // The first ones lost their places.
    let mut byte = [0_u8; 1];
    assert!(matches!(slow[0].read(&mut byte).await, Ok(0) | Err(_)));
}

/// B10: headers that do not come, and a body that does not come, each have their time.
#[tokio::test(flavor = "multi_thread")]
async fn headers_and_bodies_that_do_not_come_end_the_connection() {
    let pages = pages().await;
    let limits =
        Limits { headers: Duration::from_millis(200), request: Duration::from_millis(300), ..Limits::default() };
    let port = serve(&pages, limits).await;
    let silent = ask(port, "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ").await;
    assert!(silent.is_empty() || silent.starts_with("HTTP/1.1 408"), "{silent}");
    let body = "POST /entrer HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 5000\r\n\r\nemail=";
    assert!(ask(port, body).await.starts_with("HTTP/1.1 408"));
    let kept = "GET /a-propos HTTP/1.1\r\nHost: x\r\n\r\n";
    assert!(ask(port, kept).await.starts_with("HTTP/1.1 200"), "a kept connection ends when nothing follows");
    let large = format!("GET / HTTP/1.1\r\nHost: x\r\nX-Large: {}\r\n\r\n", "x".repeat(100_000));
    let refused = ask(port, &large).await;
    assert!(refused.is_empty() || refused.starts_with("HTTP/1.1 431"), "{}", &refused[..refused.len().min(100)]);
}
