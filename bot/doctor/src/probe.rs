//! A look at a web server, whatever its certificate is worth: what it answers, what time it has, until when its certificate is good.

use chrono::{DateTime, Utc};
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::Url;
use vigie_config::tls;
use vigie_domain::french;
use x509_cert::der::Decode;

use crate::PATIENCE;

/// Most bytes read of an answer: its head.
const HEAD: u64 = 16 * 1024;

/// What was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Status of the answer.
    pub(crate) status: u16,
    /// The server's own time.
    pub(crate) date: Option<DateTime<Utc>>,
    /// Its certificate; `None` for `http://`.
    pub(crate) certificate: Option<Certificate>,
}

/// A certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Certificate {
    /// Its end.
    pub(crate) until: DateTime<Utc>,
    /// Why this machine would not trust it, if it would not.
    pub(crate) distrust: Option<String>,
}

/// Asks for a page, and reads no more than the head of the answer.
pub(crate) async fn look(url: &Url) -> Result<Seen, String> {
    tokio::time::timeout(PATIENCE, ask(url)).await.unwrap_or_else(|_| Err(format!("rien en {} s", PATIENCE.as_secs())))
}

async fn ask(url: &Url) -> Result<Seen, String> {
    let host = url.host_str().ok_or("adresse sans serveur")?;
    let port = url.port_or_known_default().ok_or("adresse sans port")?;
    let connect =
        || async { TcpStream::connect((host.trim_matches(['[', ']']), port)).await.map_err(|e| french::of_system(&e)) };
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: Vigie\r\nAccept: */*\r\nConnection: close\r\n\r\n",
        url.path()
    );
    if url.scheme() != "https" {
        let (status, date) = exchange(connect().await?, &request).await?;
        return Ok(Seen { status, date, certificate: None });
    }
    let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned()).map_err(|e| e.to_string())?;
    let unchecked = tls::unchecked().map_err(|e| e.to_string())?;
    let stream = TlsConnector::from(unchecked).connect(name.clone(), connect().await?);
    let stream = stream.await.map_err(|e| format!("TLS : {e}"))?;
    let der = stream.get_ref().1.peer_certificates().and_then(|c| c.first()).ok_or("pas de certificat")?.clone();
    let until = end_of(&der)?;
    let (status, date) = exchange(stream, &request).await?;
    let distrust = match tls::client(None) {
        Err(e) => Some(e.to_string()),
        Ok(checked) => TlsConnector::from(checked).connect(name, connect().await?).await.err().map(|e| e.to_string()),
    };
    Ok(Seen { status, date, certificate: Some(Certificate { until, distrust }) })
}

/// The last moment at which a certificate is good.
fn end_of(der: &CertificateDer<'_>) -> Result<DateTime<Utc>, String> {
    let certificate = x509_cert::Certificate::from_der(der).map_err(|e| format!("certificat illisible : {e}"))?;
    let end = certificate.tbs_certificate.validity.not_after.to_unix_duration();
    i64::try_from(end.as_secs())
        .ok()
        .and_then(|s| DateTime::from_timestamp(s, 0))
        .ok_or_else(|| "certificat sans fin".to_owned())
}

async fn exchange(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    request: &str,
) -> Result<(u16, Option<DateTime<Utc>>), String> {
    stream.write_all(request.as_bytes()).await.map_err(|e| e.to_string())?;
    let mut answer = Vec::new();
    // A server that closes without a word of TLS has said what it had to say.
    let read = (&mut stream).take(HEAD).read_to_end(&mut answer).await;
    if answer.is_empty() {
        return Err(read.map_or_else(|e| e.to_string(), |_| "aucune réponse".to_owned()));
    }
    let text = String::from_utf8_lossy(&answer);
    let head = text.split("\r\n\r\n").next().unwrap_or_default();
    let status = head.split_whitespace().nth(1).and_then(|s| s.parse().ok()).ok_or("réponse qui n’est pas du web")?;
    let date = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let said = DateTime::parse_from_rfc2822(value.trim()).ok()?;
        name.eq_ignore_ascii_case("date").then(|| said.with_timezone(&Utc))
    });
    Ok((status, date))
}
