//! An SMTP server that records what it takes and misbehaves on order, for the programs that measure and break delivery.
//!
//! It speaks enough of RFC 5321 for one mail after another on a kept connection. What it kept, it kept: a mail whose answer
//! is cut or late counts as arrived.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A mail that arrived.
#[derive(Debug, Clone)]
pub struct Received {
    /// Recipient of the envelope.
    pub to: String,
    /// Its Message-ID, without brackets.
    pub message_id: String,
    /// Words of the mail that begin with the sink's mark.
    pub marks: BTreeSet<String>,
    /// When the final dot arrived.
    pub at: Instant,
    /// All of it, where the server was asked to [keep it](Sink::that_keeps).
    pub whole: Vec<u8>,
}

/// A moment at which the server may misbehave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moment {
    /// Somebody connected.
    Banner,
    /// `RCPT TO` this address.
    Recipient(String),
    /// The final dot of a mail to this address.
    Dot(String),
}

/// What the server does about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reaction {
    Accept,
    /// Refuses in these words.
    Refuse(&'static str),
    /// Cuts the connection; a mail whose dot was read is kept.
    Cut,
    /// Keeps the mail, and answers that much later.
    Late(Duration),
}

type Script = dyn Fn(&Moment) -> Reaction + Send + Sync;

struct Shared {
    script: Box<Script>,
    mark: &'static str,
    /// Mails are kept whole.
    keeps: bool,
    received: Mutex<Vec<Received>>,
}

#[derive(Clone)]
pub struct Sink {
    /// Its port on 127.0.0.1.
    pub port: u16,
    shared: Arc<Shared>,
}

impl Sink {
    /// Starts a server that reacts as `script` says and picks the words that begin with `mark` out of each mail.
    ///
    /// # Errors
    /// No port is free.
    pub async fn start(
        mark: &'static str,
        script: impl Fn(&Moment) -> Reaction + Send + Sync + 'static,
    ) -> io::Result<Self> {
        Self::listen(mark, false, script).await
    }

    /// Starts a server that takes every mail and keeps it whole.
    ///
    /// # Errors
    /// No port is free.
    pub async fn that_keeps() -> io::Result<Self> {
        Self::listen("", true, |_| Reaction::Accept).await
    }

    async fn listen(
        mark: &'static str,
        keeps: bool,
        script: impl Fn(&Moment) -> Reaction + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared { script: Box::new(script), mark, keeps, received: Mutex::default() });
        let sink = Self { port, shared: Arc::clone(&shared) };
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let shared = Arc::clone(&shared);
                // A client that goes away in the middle is what this server is for.
                tokio::spawn(async move { serve(socket, &shared).await.ok() });
            }
        });
        Ok(sink)
    }

    /// What arrived so far, in order.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.shared.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How much arrived so far.
    #[must_use]
    pub fn count(&self) -> usize {
        self.shared.received.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    pub fn clear(&self) {
        self.shared.received.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

async fn serve(socket: TcpStream, shared: &Shared) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let mut stream = BufReader::new(socket);
    match (shared.script)(&Moment::Banner) {
        Reaction::Accept => say(&mut stream, "220 sink ESMTP").await?,
        Reaction::Late(pause) => {
            tokio::time::sleep(pause).await;
            say(&mut stream, "220 sink ESMTP").await?;
        }
        Reaction::Refuse(words) => return say(&mut stream, words).await,
        Reaction::Cut => return Ok(()),
    }
    let mut to = String::new();
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let verb: String = line.chars().take(4).collect::<String>().to_ascii_uppercase();
        match verb.as_str() {
            "EHLO" => say(&mut stream, "250-sink\r\n250 8BITMIME").await?,
            "RCPT" => {
                to = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                match (shared.script)(&Moment::Recipient(to.clone())) {
                    Reaction::Refuse(words) => say(&mut stream, words).await?,
                    Reaction::Cut => return Ok(()),
                    _ => say(&mut stream, "250 OK").await?,
                }
            }
            "DATA" => {
                say(&mut stream, "354 go on").await?;
                let mail = body(&mut stream).await?;
                let reaction = (shared.script)(&Moment::Dot(to.clone()));
                if let Reaction::Refuse(words) = reaction {
                    say(&mut stream, words).await?;
                    continue;
                }
                keep(shared, &to, &mail);
                match reaction {
                    Reaction::Cut => return Ok(()),
                    Reaction::Late(pause) => tokio::time::sleep(pause).await,
                    _ => {}
                }
                say(&mut stream, "250 2.0.0 kept").await?;
            }
            "QUIT" => return say(&mut stream, "221 bye").await,
            _ => say(&mut stream, "250 OK").await?,
        }
    }
}

async fn say(stream: &mut BufReader<TcpStream>, words: &str) -> io::Result<()> {
    stream.get_mut().write_all(format!("{words}\r\n").as_bytes()).await
}

async fn body(stream: &mut BufReader<TcpStream>) -> io::Result<Vec<u8>> {
    let mut mail = Vec::new();
    loop {
        let start = mail.len();
        if stream.read_until(b'\n', &mut mail).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if mail[start..] == *b".\r\n" {
            mail.truncate(start);
            return Ok(mail);
        }
    }
}

fn keep(shared: &Shared, to: &str, mail: &[u8]) {
    let raw = String::from_utf8_lossy(mail);
    // Quoted-printable breaks long lines anywhere.
    let text = raw.replace("=\r\n", "");
    let head = raw.split("\r\n\r\n").next().unwrap_or_default().replace("\r\n ", " ");
    let message_id = head
        .lines()
        .find_map(|l| l.strip_prefix("Message-ID:"))
        .map_or("", |id| id.trim().trim_matches(['<', '>']))
        .to_owned();
    let marks = if shared.mark.is_empty() {
        BTreeSet::new()
    } else {
        text.match_indices(shared.mark)
            .map(|(at, _)| text[at..].chars().take_while(char::is_ascii_alphanumeric).collect())
            .collect()
    };
    let whole = if shared.keeps { mail.to_vec() } else { Vec::new() };
    let received = Received { to: to.to_owned(), message_id, marks, at: Instant::now(), whole };
    shared.received.lock().unwrap_or_else(PoisonError::into_inner).push(received);
}
