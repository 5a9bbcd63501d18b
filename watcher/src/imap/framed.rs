//! A connection of which no more is read than an answer of an IMAP server may hold.
//!
//! The library that reads it keeps what is not whole yet, however long it grows, makes room for whatever a server announces, and
//! looks at a line anew with each piece of it. Lines and literals (RFC 3501 §4.3) are therefore measured here, as they come.
//!
//! On failure: reading ends with an error, before the library has seen what was too much.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Most bytes that are read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Of a line, literals aside.
    pub line: usize,
    /// Of a literal.
    pub literal: usize,
    /// In all.
    pub whole: usize,
}

/// A stream whose reading fails beyond its limits.
#[derive(Debug)]
pub(super) struct Framed<S> {
    stream: S,
    limits: Limits,
    read: usize,
    line: usize,
    /// Bytes of a literal that are still to come.
    literal: usize,
    /// The number between braces that the line ends with so far.
    announced: Option<usize>,
    /// The brace behind that number is closed.
    closed: bool,
}

impl<S> Framed<S> {
    /// A stream within these limits.
    pub(super) fn new(stream: S, limits: Limits) -> Self {
        Self { stream, limits, read: 0, line: 0, literal: 0, announced: None, closed: false }
    }

    /// The stream itself.
    pub(super) fn into_inner(self) -> S {
        self.stream
    }

    fn measure(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        self.read += bytes.len();
        while let Some((byte, rest)) = bytes.split_first() {
            if self.literal > 0 {
                let taken = self.literal.min(bytes.len());
                self.literal -= taken;
                bytes = &bytes[taken..];
                continue;
            }
            bytes = rest;
            self.line += 1;
            match byte {
                b'{' => (self.announced, self.closed) = (Some(0), false),
                b'0'..=b'9' if !self.closed => {
                    let digit = usize::from(byte - b'0');
                    self.announced = self.announced.map(|n| n.saturating_mul(10).saturating_add(digit));
                }
                b'}' => self.closed = self.announced.is_some(),
                b'\r' if self.closed => {}
                b'\n' => {
                    self.literal = self.announced.take().filter(|_| self.closed).unwrap_or(0);
                    if self.literal == 0 {
                        self.line = 0;
                    }
                    self.closed = false;
                }
                _ => (self.announced, self.closed) = (None, false),
            }
            if self.line > self.limits.line || self.literal > self.limits.literal {
                break;
            }
        }
        if self.line > self.limits.line || self.literal > self.limits.literal || self.read > self.limits.whole {
            return Err(io::Error::other("le serveur envoie plus que ce qui est lu d’une boîte"));
        }
        Ok(())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Framed<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        match Pin::new(&mut self.stream).poll_read(cx, buf) {
            Poll::Ready(Ok(())) => Poll::Ready(self.measure(buf.filled().get(before..).unwrap_or_default())),
            other => other,
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Framed<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(pieces: &[&str]) -> Option<usize> {
        let mut framed = Framed::new((), Limits { line: 40, literal: 20, whole: 100 });
        pieces.iter().position(|piece| framed.measure(piece.as_bytes()).is_err())
    }

    #[test]
    fn lines_and_literals_are_measured_however_they_are_cut() {
        for (pieces, fails_at) in [
            (&["* OK ready\r\n", "* 1 FETCH (BODY[] {20}\r\n", "xxxxxxxxxxxxxxxxxxxx", ")\r\n"][..], None),
            (&["* 1 FETCH (BODY[] {2", "1}\r\n", "x"], Some(1)),
            (&["{5}\r", "\nabcde)\r\n"], None),
            (&["* 1 FETCH {99999999999999999999999}\r\n"], Some(0)),
            // Braces inside a literal, and inside a line, announce nothing.
            (&["{12}\r\n{99}\r\n{99}\r\n", ")\r\n"], None),
            (&["* OK {99} and more\r\n", "* OK {9x9}\r\n"], None),
            (&["x".repeat(30).as_str(), "x".repeat(30).as_str()], Some(1)),
            (&["(((\r\n".repeat(10).as_str(), "(((\r\n".repeat(11).as_str()], Some(1)),
        ] {
            assert_eq!(measured(pieces), fails_at, "{pieces:?}");
        }
    }
}
