//! What mail servers answer, as bytes.
//!
//! SMTP replies are ASCII by the letter of RFC 5321 and any bytes in practice. lettre reads them as UTF-8, wants a text behind
//! each code and a carriage return before each line's end, and takes a reply that is not so for a lost connection; after the
//! final dot that would send a mail again that was accepted. So the socket that lettre reads from is a [`Replies`]: what comes out
//! of it is a reply as lettre knows them, and the code decides.
//!
//! The first words are spoken here, before lettre comes in: servers that know no EHLO are greeted by HELO (RFC 5321 §3.2), and
//! STARTTLS leaves the encrypted bytes below untouched. lettre is then given the greeting and what the server answered to it, and
//! its own EHLO goes nowhere.

use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use lettre::transport::smtp::client::AsyncTokioStream;
use lettre::transport::smtp::extension::ClientId;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use vigie_domain::french;

/// Longest reply read before lettre comes in.
const MAX_REPLY: usize = 64 * 1024;
/// Most bytes taken from the socket at once.
const READ: usize = 2048;
/// What lettre reads for a greeting that was heard already.
const GREETED: &str = "220 greeted\r\n";
/// Letters of a reply's code.
const CODE: usize = 3;

/// A socket, encrypted or not, whose replies are text of the shape that lettre reads, whatever their bytes.
#[derive(Debug)]
pub(super) struct Replies<S> {
    socket: S,
    /// Made and not yet read; before anything of the socket.
    made: Vec<u8>,
    /// How much of `made` was read.
    read: usize,
    /// Whether lettre's EHLO is still to come.
    hears_hello: bool,
    lines: Lines,
}

/// Where a line of a reply stands.
#[derive(Debug, Default)]
struct Lines {
    /// Bytes of it so far.
    column: usize,
    /// Its last byte was a carriage return.
    returned: bool,
}

impl Lines {
    /// Adds bytes of the server as lettre reads them: a code alone gets its space, a line's end its carriage return.
    fn add(&mut self, bytes: &[u8], to: &mut Vec<u8>) {
        for &byte in bytes {
            if matches!(byte, b'\r' | b'\n') && !self.returned && self.column == CODE {
                to.push(b' ');
            }
            if byte == b'\n' && !self.returned {
                to.push(b'\r');
            }
            to.push(byte);
            self.returned = byte == b'\r';
            self.column = if byte == b'\n' { 0 } else { self.column + 1 };
        }
    }
}

impl<S> Replies<S> {
    /// A socket whose server was greeted: `hello` is what it answered ([`hello`]).
    pub(super) fn greeted(socket: S, hello: &str) -> Self {
        let made = format!("{GREETED}{hello}").into_bytes();
        Self { socket, made, read: 0, hears_hello: true, lines: Lines::default() }
    }
}

/// Turns what is no UTF-8 into question marks, in place. A letter cut by the end of what was read is lost likewise.
fn to_text(mut bytes: &mut [u8]) {
    while let Err(e) = std::str::from_utf8(bytes) {
        let start = e.valid_up_to();
        let end = e.error_len().map_or(bytes.len(), |n| start + n);
        bytes[start..end].fill(b'?');
        bytes = &mut bytes[end..];
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Replies<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        let this = &mut *self;
        if this.read == this.made.len() {
            let mut taken = [0; READ];
            let mut fresh = ReadBuf::new(&mut taken);
            ready!(Pin::new(&mut this.socket).poll_read(cx, &mut fresh))?;
            to_text(fresh.filled_mut());
            (this.read, this.made) = (0, Vec::with_capacity(fresh.filled().len() + 2));
            this.lines.add(fresh.filled(), &mut this.made);
        }
        let left = &this.made[this.read..];
        let now = left.len().min(buf.remaining());
        buf.put_slice(&left[..now]);
        this.read += now;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Replies<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<std::io::Result<usize>> {
        if self.hears_hello {
            let end = buf.iter().position(|b| *b == b'\n').map(|at| at + 1);
            self.hears_hello = end.is_none();
            return Poll::Ready(Ok(end.unwrap_or(buf.len())));
        }
        Pin::new(&mut self.socket).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

impl AsyncTokioStream for Replies<TcpStream> {
    fn peer_addr(&self) -> std::io::Result<SocketAddr> {
        self.socket.peer_addr()
    }
}

impl AsyncTokioStream for Replies<TlsStream<TcpStream>> {
    fn peer_addr(&self) -> std::io::Result<SocketAddr> {
        self.socket.get_ref().0.peer_addr()
    }
}

/// Hears the greeting, asks for TLS; the socket then stands at the start of the handshake.
///
/// # Errors
/// The server refuses, or its answer is none.
pub(super) async fn starttls<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut S,
    hello: &ClientId,
) -> Result<(), String> {
    greeting(socket).await?;
    say(socket, &format!("EHLO {hello}\r\n")).await?;
    expect(socket, 250).await?;
    say(socket, "STARTTLS\r\n").await?;
    expect(socket, 220).await
}

/// Hears the server's greeting.
///
/// # Errors
/// It is busy, or says nothing that is a reply.
pub(super) async fn greeting<S: AsyncRead + Unpin>(socket: &mut S) -> Result<(), String> {
    expect(socket, 220).await
}

/// Says hello, in the old way where the server does not know the new one; gives the whole answer.
///
/// # Errors
/// The server refuses both, or its answer is none.
pub(super) async fn hello<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut S,
    hello: &ClientId,
) -> Result<String, String> {
    say(socket, &format!("EHLO {hello}\r\n")).await?;
    let answer = reply(socket).await?;
    if answer.code == 250 {
        return Ok(named(answer.lines));
    }
    // 500, 501, 502, 504: a command that it does not know, or not in this shape; 550: not from us.
    if !(500..=504).contains(&answer.code) {
        return Err(format!("{} {}", answer.code, answer.words));
    }
    say(socket, &format!("HELO {hello}\r\n")).await?;
    let answer = reply(socket).await?;
    if answer.code == 250 { Ok(named(answer.lines)) } else { Err(format!("{} {}", answer.code, answer.words)) }
}

/// Whether a server takes commands one behind another (RFC 2920): what it answered to the hello says so.
pub(super) fn pipelines(hello: &str) -> bool {
    let word = |line: &str| line.get(CODE + 1..).is_some_and(|says| says.trim().eq_ignore_ascii_case("PIPELINING"));
    hello.lines().skip(1).any(word)
}

/// The answer to a hello, with a name where the server does not say its own: lettre wants one.
fn named(lines: String) -> String {
    match lines.split_at_checked(CODE + 1) {
        Some((code, rest)) if rest.starts_with('\r') => format!("{code}server{rest}"),
        _ => lines,
    }
}

async fn say<S: AsyncWrite + Unpin>(socket: &mut S, command: &str) -> Result<(), String> {
    socket.write_all(command.as_bytes()).await.map_err(|e| french::of_system(&e))?;
    socket.flush().await.map_err(|e| french::of_system(&e))
}

async fn expect<S: AsyncRead + Unpin>(socket: &mut S, wanted: u16) -> Result<(), String> {
    let Reply { code, words, .. } = reply(socket).await?;
    if code == wanted { Ok(()) } else { Err(format!("{code} {words}")) }
}

/// What a server answered.
struct Reply {
    code: u16,
    /// The words of its last line.
    words: String,
    /// All of it, as lettre reads it.
    lines: String,
}

/// One reply. Read byte by byte, so that nothing behind it is taken: what an attacker slips in before TLS is never taken for an
/// answer after it.
async fn reply<S: AsyncRead + Unpin>(socket: &mut S) -> Result<Reply, String> {
    let (mut line, mut lines, mut total) = (Vec::new(), String::new(), 0);
    loop {
        let byte = socket.read_u8().await.map_err(|e| french::of_system(&e))?;
        total += 1;
        if total > MAX_REPLY {
            return Err("réponse sans fin".to_owned());
        }
        if byte != b'\n' {
            line.push(byte);
            continue;
        }
        to_text(&mut line);
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        let code = text.get(..CODE).and_then(|c| c.parse().ok()).ok_or("réponse sans code")?;
        let goes_on = text.as_bytes().get(CODE) == Some(&b'-');
        let words = text.get(CODE + 1..).unwrap_or_default().to_owned();
        lines.push_str(&format!("{code:03}{}{words}\r\n", if goes_on { '-' } else { ' ' }));
        if !goes_on {
            return Ok(Reply { code, words, lines });
        }
        line.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_become_text_and_keep_their_letters() {
        for (bytes, text) in [
            (&b"250 2.0.0 Message accept\xe9\r\n"[..], "250 2.0.0 Message accept?\r\n"),
            ("250 accepté\r\n".as_bytes(), "250 accepté\r\n"),
            (b"\xff\xfe250 \xc3", "??250 ?"),
            (b"", ""),
        ] {
            let mut bytes = bytes.to_vec();
            to_text(&mut bytes);
            assert_eq!(String::from_utf8(bytes).unwrap(), text);
        }
    }

    #[tokio::test]
    async fn tls_is_asked_for_whatever_the_words_of_the_server() {
        for (said, agreed) in [
            (&b"220 serveur pr\xeat\r\n250-x\r\n250 STARTTLS\r\n220 d\xe9marrez\r\n"[..], true),
            (b"220 a\r\n250 b\r\n454 plus tard\r\n", false),
            (b"220-a\r\n220 b\r\n500 ?\r\n", false),
            (b"hello\r\n", false),
        ] {
            let (mut ours, mut theirs) = tokio::io::duplex(1024);
            theirs.write_all(said).await.unwrap();
            theirs.write_all(b"behind").await.unwrap();
            assert_eq!(starttls(&mut ours, &ClientId::default()).await.is_ok(), agreed, "{said:?}");
            if agreed {
                let mut rest = [0; 6];
                ours.read_exact(&mut rest).await.unwrap();
                assert_eq!(&rest, b"behind", "nothing behind the reply was taken");
            }
        }
    }

    /// Attack: servers of any age. What they say becomes a reply that lettre reads, whatever falls between two packets.
    #[test]
    fn a_code_alone_and_a_line_without_its_return_are_replies() {
        for (said, read) in [
            ("250\r\n", "250 \r\n"),
            ("250\n", "250 \r\n"),
            ("250 ok\n", "250 ok\r\n"),
            ("250-a\n250-\r\n250\r\n354\n", "250-a\r\n250-\r\n250 \r\n354 \r\n"),
            ("250 ok\r\n", "250 ok\r\n"),
            ("\r\n\n25", "\r\n\r\n25"),
        ] {
            for size in 1..=said.len() {
                let (mut lines, mut made) = (Lines::default(), Vec::new());
                said.as_bytes().chunks(size).for_each(|part| lines.add(part, &mut made));
                assert_eq!(String::from_utf8(made).unwrap(), read, "{said:?} by {size}");
            }
        }
    }

    #[tokio::test]
    async fn who_knows_no_ehlo_is_greeted_by_helo() {
        for (said, answer) in [
            (&b"250-x\r\n250 SIZE 9\r\n"[..], Ok("250-x\r\n250 SIZE 9\r\n")),
            (b"250\n", Ok("250 server\r\n")),
            (b"250-  \r\n250 x\r\n", Ok("250-server\r\n250 x\r\n")),
            (b"502 5.5.1 unknown\r\n250 x\r\n", Ok("250 x\r\n")),
            (b"500-what\r\n500 ?\r\n250\r\n", Ok("250 server\r\n")),
            (b"504 \xe9\r\n550 go away\r\n", Err("550 go away")),
            (b"550 not you\r\n250 x\r\n", Err("550 not you")),
            (b"421 busy\r\n250 x\r\n", Err("421 busy")),
        ] {
            let (mut ours, mut theirs) = tokio::io::duplex(1024);
            theirs.write_all(said).await.unwrap();
            let heard = hello(&mut ours, &ClientId::default()).await;
            assert_eq!(heard.as_deref().map_err(String::as_str), answer, "{said:?}");
        }
    }
}
