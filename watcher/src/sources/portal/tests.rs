use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// What the site shows to somebody whose session ended.
#[derive(Debug, Clone, Copy)]
enum Ended {
    Welcome,
    SendsToTheForm,
    Form,
}

const FORM: &str = "<form action=/entrer method=post><input name=u><input type=password name=p></form>";

async fn serve(mut socket: TcpStream, ended: Ended, logins: Arc<Mutex<usize>>) {
    let (mut request, mut byte) = (Vec::new(), [0; 1024]);
    while !request.windows(4).any(|w| w == b"\r\n\r\n") {
        match socket.read(&mut byte).await {
            Ok(n) if n > 0 => request.extend_from_slice(&byte[..n]),
            _ => return,
        }
    }
    let request = String::from_utf8_lossy(&request).to_lowercase();
    let path = request.split(' ').nth(1).unwrap_or_default();
    let (cookie, body) = match path {
        "/robots.txt" => ("", String::new()),
        "/connexion" => ("", FORM.to_owned()),
        "/entrer" => {
            *logins.lock().unwrap() += 1;
            ("set-cookie: sid=fresh; path=/\r\n", "<meta http-equiv=refresh content='0;url=/liste'>".to_owned())
        }
        _ if request.contains("sid=fresh") => {
            ("", "<base href=/appli/><ul><li><a href=avis/7>Tonte du parc</a></ul>".to_owned())
        }
        _ => (
            "",
            match ended {
                Ended::Welcome => "<p>Bienvenue</p>".to_owned(),
                Ended::SendsToTheForm => "<meta http-equiv=refresh content='0;url=/connexion'>".to_owned(),
                Ended::Form => FORM.to_owned(),
            },
        ),
    };
    let head = format!("HTTP/1.1 200 OK\r\n{cookie}content-length: {}\r\nconnection: close\r\n\r\n", body.len());
    let _ = socket.write_all(format!("{head}{body}").as_bytes()).await;
}

/// A13: whatever a site shows when a session ended, it is asked again after one new login, before any alarm; links are read
/// against what the page says.
#[tokio::test]
async fn a_session_that_ended_is_renewed_before_any_alarm() {
    for ended in [Ended::Welcome, Ended::SendsToTheForm, Ended::Form] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let site = format!("http://{}", listener.local_addr().unwrap());
        let logins = Arc::new(Mutex::new(0));
        let counted = Arc::clone(&logins);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, ended, Arc::clone(&counted)));
            }
        });
        let block = format!(
            "id = 'p'\nkind = 'portal'\nurl = '{site}/liste'\npermission = 'accord'\n[list]\nitems = 'li'\nfields = {{ title = 'a', link = 'a@href' }}\n[login]\nmethod = 'form'\nurl = '/connexion'\nusername = 'jeanne'\npassword = {{ env = 'PATH' }}\n"
        );
        let portal = Portal::new(&toml::from_str(&block).unwrap()).unwrap();
        let limits =
            settings::Fetch { allow_private: vec!["127.0.0.0/8".into()], host_gap_ms: 0, ..settings::Fetch::default() };
        let fetcher = Fetcher::http(&limits).unwrap();
        let kept = Session::default();
        kept.set(&portal.url, "sid=stale");
        let cursor = Cursor { session: kept.save(), ..Cursor::default() };
        let memory = Memory { cursor: serde_json::to_string(&cursor).ok(), ..Memory::default() };
        let page = portal.poll(&fetcher, &memory, Utc::now()).await.unwrap();
        assert_eq!(page.notices[0].url, Some(format!("{site}/appli/avis/7")), "{ended:?}");
        assert_eq!(*logins.lock().unwrap(), 1, "{ended:?}");
        let again = portal.poll(&fetcher, &page.memory, Utc::now()).await.unwrap();
        assert!(again.notices.is_empty() && again.bad.is_empty());
        assert_eq!(*logins.lock().unwrap(), 1, "a session that lasts is kept");
    }
}
