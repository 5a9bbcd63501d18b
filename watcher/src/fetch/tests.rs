//! Credentials and validators, against servers that move and lie.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

/// A server that gives these answers in turn, and then the last one; gives the requests it got.
async fn serve(listener: TcpListener, answers: Vec<String>, got: Arc<Mutex<Vec<String>>>) {
    let mut turn = 0;
    while let Ok((mut socket, _)) = listener.accept().await {
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            match socket.read_u8().await {
                Ok(byte) => request.push(byte),
                Err(_) => break,
            }
        }
        got.lock().unwrap().push(String::from_utf8_lossy(&request).to_lowercase());
        let answer = &answers[turn.min(answers.len() - 1)];
        let _ = socket.write_all(format!("HTTP/1.1 {answer}connection: close\r\n\r\n").as_bytes()).await;
        turn += 1;
    }
}

type Got = Arc<Mutex<Vec<String>>>;

async fn server(answers: &[&str]) -> (Url, Got) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/feed", listener.local_addr().unwrap())).unwrap();
    let got = Got::default();
    tokio::spawn(serve(listener, answers.iter().map(|a| (*a).to_owned()).collect(), Arc::clone(&got)));
    (url, got)
}

fn fetcher() -> Fetcher {
    let limits =
        settings::Fetch { allow_private: vec!["127.0.0.0/8".into()], host_gap_ms: 0, ..settings::Fetch::default() };
    Fetcher::http(&limits).unwrap()
}

/// B6: a token is for the site of the settings, at the first poll, at the second, and along every kind of redirect.
#[tokio::test]
async fn a_credential_never_follows_a_page_to_another_site() {
    for status in ["301 Moved", "308 Moved", "302 Found", "307 Elsewhere"] {
        let (other, seen) = server(&["200 OK\r\netag: \"1\"\r\ncontent-length: 0\r\n"]).await;
        let (asked, got) = server(&[&format!("{status}\r\nlocation: {other}\r\ncontent-length: 0\r\n")]).await;
        let fetcher = fetcher();
        let mut known = Validators::default();
        for _ in 0..2 {
            let request = Request {
                authorization: Some("Bearer secret".to_owned().into()),
                known: Some(&known),
                ..Request::default()
            };
            match fetcher.send(&asked, &request, Utc::now()).await.unwrap() {
                Answer::Body(body) => known = body.validators,
                Answer::NotModified(_) => panic!("never said"),
            }
        }
        assert!(seen.lock().unwrap().iter().all(|r| !r.contains("secret")), "{status}");
        assert!(got.lock().unwrap().iter().all(|r| r.contains("bearer secret")), "{status}");
    }
}

/// A25: "unchanged" answers only who said what they know.
#[tokio::test]
async fn unchanged_is_no_answer_to_a_first_question() {
    let full = "200 OK\r\netag: \"1\"\r\ncontent-length: 0\r\n";
    let unchanged = "304 Not Modified\r\n";
    let (url, got) = server(&[unchanged, full, unchanged]).await;
    let fetcher = fetcher();
    let Answer::Body(first) = fetcher.get(&url, &Validators::default(), Utc::now()).await.unwrap() else { panic!() };
    assert!(got.lock().unwrap()[1].contains("no-cache"));
    let second = fetcher.get(&url, &first.validators, Utc::now()).await.unwrap();
    assert!(matches!(second, Answer::NotModified(_)));
    let (url, _) = server(&[unchanged]).await;
    let error = fetcher.get(&url, &Validators::default(), Utc::now()).await.unwrap_err();
    assert!(matches!(error, FetchError::Status { status: 304, .. }));
}

#[tokio::test]
async fn an_answer_that_is_no_http_is_said_in_words() {
    let long = format!("200 OK\r\nx: {}\r\n", "y".repeat(2_000_000));
    for (answer, said) in [
        ("200 OK\r\ntransfer-encoding: chunked\r\n\r\nZZZ\r\nabc", "mal découpée en morceaux"),
        ("200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\nabc", "coupée avant la fin"),
        ("200 OK\r\ncontent-length: 9999\r\n\r\nabc", "coupée avant la fin"),
        (long.as_str(), "en-têtes trop longs"),
        ("deux cents\r\n", "réponse HTTP valable"),
    ] {
        let (url, _) = server(&[answer]).await;
        let error = fetcher().get(&url, &Validators::default(), Utc::now()).await.unwrap_err().to_string();
        assert!(error.contains(said), "{said}: {error}");
    }
}

/// iipc/warctools 395: what is said to be compressed and is not.
#[tokio::test]
async fn a_body_that_is_not_compressed_is_read_whatever_its_label() {
    for label in ["gzip", "deflate", "x-gzip", "deflate, gzip", "utf-8"] {
        let (url, got) = server(&[&format!("200 OK\r\ncontent-encoding: {label}\r\n\r\n<rss/>")]).await;
        let Answer::Body(body) = fetcher().get(&url, &Validators::default(), Utc::now()).await.unwrap() else {
            panic!()
        };
        assert!(body.bytes.starts_with(b"<rss/>"), "{label}");
        assert!(got.lock().unwrap()[0].contains("accept-encoding: gzip, deflate, br\r\n"));
    }
}
