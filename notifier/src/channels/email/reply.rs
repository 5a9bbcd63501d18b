//! What mail servers answer, as bytes.
//!
//! SMTP replies are ASCII by the letter of RFC 5321 and any bytes in practice. lettre reads them as UTF-8 and takes a reply that
//! is not for a lost connection; after the final dot that would send a mail again that was accepted. So the socket that lettre
//! reads from is a [`Replies`]: bytes of no UTF-8 come out of it as `?`, and the code decides.
//!
//! STARTTLS is spoken here, before lettre comes in, so that the encrypted bytes below pass untouched; lettre is then given
//! the greeting that the server does not say twice.

use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use lettre::transport::smtp::client::AsyncTokioStream;
use lettre::transport::smtp::extension::ClientId;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// Longest reply read before TLS.
const MAX_REPLY: usize = 64 * 1024;
/// What lettre reads for the greeting that came before TLS.
const GREETED: &[u8] = b"220 greeted before TLS\r\n";

/// A socket, encrypted or not, whose replies are text whatever their bytes.
#[derive(Debug)]
pub(super) struct Replies<S> {
    socket: S,
    /// Read before anything of the socket.
    first: &'static [u8],
}

impl<S> Replies<S> {
    /// A socket on which the server has said nothing yet.
    pub(super) fn of(socket: S) -> Self {
        Self { socket, first: b"" }
    }

    /// A socket whose server greeted before it was encrypted.
    pub(super) fn greeted(socket: S) -> Self {
        Self { socket, first: GREETED }
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
        if !self.first.is_empty() {
            let (now, later) = self.first.split_at(self.first.len().min(buf.remaining()));
            buf.put_slice(now);
            self.first = later;
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        let read = Pin::new(&mut self.socket).poll_read(cx, buf);
        to_text(&mut buf.filled_mut()[before..]);
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Replies<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<std::io::Result<usize>> {
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

/// Greets and asks for TLS; the socket then stands at the start of the handshake.
///
/// # Errors
/// The server refuses, or its answer is none.
pub(super) async fn starttls<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut S,
    hello: &ClientId,
) -> Result<(), String> {
    expect(socket, 220).await?;
    say(socket, &format!("EHLO {hello}\r\n")).await?;
    expect(socket, 250).await?;
    say(socket, "STARTTLS\r\n").await?;
    expect(socket, 220).await
}

async fn say<S: AsyncWrite + Unpin>(socket: &mut S, command: &str) -> Result<(), String> {
    socket.write_all(command.as_bytes()).await.map_err(|e| e.to_string())?;
    socket.flush().await.map_err(|e| e.to_string())
}

async fn expect<S: AsyncRead + Unpin>(socket: &mut S, wanted: u16) -> Result<(), String> {
    let (code, words) = reply(socket).await?;
    if code == wanted { Ok(()) } else { Err(format!("{code} {words}")) }
}

/// One reply: its code and the words of its last line. Read byte by byte, so that nothing behind it is taken: what an attacker
/// slips in before TLS is never taken for an answer after it.
async fn reply<S: AsyncRead + Unpin>(socket: &mut S) -> Result<(u16, String), String> {
    let (mut line, mut total) = (Vec::new(), 0);
    loop {
        let byte = socket.read_u8().await.map_err(|e| e.to_string())?;
        total += 1;
        if total > MAX_REPLY {
            return Err("réponse sans fin".to_owned());
        }
        if byte != b'\n' {
            line.push(byte);
            continue;
        }
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        let code = text.get(..3).and_then(|c| c.parse().ok()).ok_or("réponse sans code")?;
        if text.as_bytes().get(3) != Some(&b'-') {
            return Ok((code, text.get(4..).unwrap_or_default().to_owned()));
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
}
