//! E-mail over SMTP, through lettre.
//!
//! - One recipient an envelope: one refused RCPT harms nobody else.
//! - Commands are sent one by one, so that what failed is known: before the final dot nothing was sent (transient); a
//!   connection lost after it may have delivered (unknown, sent again with the same Message-ID).
//! - The socket is ours and has `TCP_NODELAY`: lettre's own writes the body and the final dot apart and waits 40 ms for
//!   Nagle at every mail.
//! - Connections are kept and used again; the wait after the final dot is ten minutes (RFC 5321 §4.5.3.2.6).
//! - The sender of the envelope is the return address of that one delivery ([`return_path`]), where one is set.
//! - The message itself is made in `mime`, and signed in [`dkim`] where there is a key.

pub mod dkim;
mod mime;
pub mod return_path;

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use lettre::Address;
use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Auth, Data, Mail, Rcpt, Rset};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use secrecy::SecretString;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use vigie_config::settings::{self, Tls};
use vigie_domain::delivery::Outcome;

use super::Envelope;
use dkim::Signer;
use return_path::ReturnPath;

/// Longest wait for a connection and its greeting.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(60);
/// Longest wait for the answer to a command before DATA (RFC 5321 §4.5.3.2: five minutes).
const COMMAND_TIMEOUT: Duration = Duration::from_secs(300);
/// Longest wait for the answer to RSET before the connection is given up.
const RESET_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a server just found away is not tried again by messages that were under way.
const AWAY: Duration = Duration::from_secs(1);
/// A connection idle for longer is not trusted.
const IDLE: Duration = Duration::from_secs(20);

/// What keeps the channel from starting.
#[derive(Debug, thiserror::Error)]
pub enum EmailError {
    /// `email.from` or `email.reply_to` is no address.
    #[error("adresse « {0} » illisible dans [email]")]
    Address(String),
    /// `email.dkim` cannot serve.
    #[error("dkim : {0}")]
    Dkim(String),
    /// `email.return_path` cannot serve.
    #[error("return_path : {0}")]
    ReturnPath(String),
    /// The certificate authority cannot be read.
    #[error("certificat {path} : {why}")]
    Certificate { path: String, why: String },
}

pub struct Email {
    host: String,
    port: u16,
    tls: Tls,
    authority: Option<Vec<u8>>,
    credentials: Option<Credentials>,
    from: Mailbox,
    reply_to: Option<Mailbox>,
    return_path: Option<ReturnPath>,
    signer: Option<Signer>,
    answers: bool,
    wait: Duration,
    /// Connections that may be open at once.
    connections: usize,
    /// One permit a connection in use.
    permits: Semaphore,
    /// Connections that wait for their next message.
    idle: Mutex<Vec<Kept>>,
    /// When the server was last found away, and in what words.
    found_away: Mutex<Option<(Instant, String)>>,
}

/// How far a mail transaction got.
enum Transaction {
    Answered {
        outcome: Outcome,
        /// The connection stands at the start of a new transaction.
        reusable: bool,
    },
    /// The connection was lost before the message left.
    NothingSent(String),
    /// The message left and no answer came.
    Lost(String),
}

struct Kept {
    connection: AsyncSmtpConnection,
    used: Instant,
}

impl Email {
    /// Makes the channel. Nothing is connected yet.
    ///
    /// # Errors
    /// An address or the certificate authority is unreadable.
    pub fn new(block: &settings::Email, password: Option<&SecretString>) -> Result<Self, EmailError> {
        let mailbox = |text: &str| text.parse::<Mailbox>().map_err(|_| EmailError::Address(text.to_owned()));
        let authority = block
            .ca_file
            .as_ref()
            .map(|path| {
                std::fs::read(path)
                    .map_err(|e| EmailError::Certificate { path: path.display().to_string(), why: e.to_string() })
            })
            .transpose()?;
        let credentials = block
            .username
            .as_ref()
            .zip(password)
            .map(|(user, pass)| Credentials::new(user.clone(), vigie_config::secret::expose(pass).to_owned()));
        Ok(Self {
            host: block.host.clone(),
            port: block.port(),
            tls: block.tls,
            authority,
            credentials,
            from: mailbox(&block.from)?,
            reply_to: block.reply_to.as_deref().map(mailbox).transpose()?,
            return_path: None,
            signer: None,
            answers: false,
            wait: Duration::from_secs(block.timeout_s),
            connections: block.connections.max(1),
            permits: Semaphore::new(block.connections.max(1)),
            idle: Mutex::default(),
            found_away: Mutex::default(),
        })
    }

    /// The same channel, with a return address for each message, signed with `key`. `answers`: what comes back there is read,
    /// so that people may answer to it.
    ///
    /// # Errors
    /// The pattern cannot serve.
    pub fn with_return_path(mut self, pattern: &str, key: &SecretString, answers: bool) -> Result<Self, EmailError> {
        let key = vigie_config::secret::expose(key).as_bytes();
        self.return_path = Some(ReturnPath::new(pattern, key).map_err(EmailError::ReturnPath)?);
        self.answers = answers;
        Ok(self)
    }

    /// The same channel, which signs what it sends with this key (PEM).
    ///
    /// # Errors
    /// The key or the selector cannot serve.
    pub fn with_dkim(mut self, selector: &str, key: &SecretString) -> Result<Self, EmailError> {
        let pem = vigie_config::secret::expose(key);
        self.signer = Some(Signer::new(self.from.email.domain(), selector, pem).map_err(EmailError::Dkim)?);
        Ok(self)
    }

    /// What signs, where something does.
    #[must_use]
    pub fn signer(&self) -> Option<&Signer> {
        self.signer.as_ref()
    }

    /// The return addresses, where they are set.
    #[must_use]
    pub fn return_path(&self) -> Option<&ReturnPath> {
        self.return_path.as_ref()
    }

    /// The address that messages come from.
    #[must_use]
    pub fn sender(&self) -> &str {
        self.from.email.as_ref()
    }

    /// The sender of a delivery's envelope.
    fn envelope_from(&self, key: &str) -> Address {
        let own = self.return_path.as_ref().and_then(|r| r.of(key).parse().ok());
        own.unwrap_or_else(|| self.from.email.clone())
    }

    /// How many messages may be under way at once.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections
    }

    /// Connects, greets and authenticates, to try a configuration.
    ///
    /// # Errors
    /// What the server or the network said.
    pub async fn check(&self) -> Result<(), String> {
        self.connect().await.map(drop)
    }

    /// Message-ID of a delivery: the same on every attempt.
    #[must_use]
    pub fn message_id(&self, key: &str) -> String {
        format!("<{key}@{}>", self.from.email.domain())
    }

    /// The delivery that bears this Message-ID, if it is one of ours; with or without brackets.
    #[must_use]
    pub fn delivery_of<'a>(&self, message_id: &'a str) -> Option<&'a str> {
        let (key, domain) = message_id.trim().trim_start_matches('<').trim_end_matches('>').rsplit_once('@')?;
        let ours = domain.eq_ignore_ascii_case(self.from.email.domain());
        (ours && !key.is_empty() && key.bytes().all(|b| b.is_ascii_hexdigit())).then_some(key)
    }

    pub async fn send(&self, envelope: &Envelope<'_>) -> Outcome {
        let Ok(to) = envelope.to.parse::<Address>() else {
            return Outcome::Permanent("adresse illisible".to_owned());
        };
        let bytes = match self.compose(envelope, &to) {
            Ok(bytes) => bytes,
            Err(why) => return Outcome::Permanent(format!("message impossible à composer : {why}")),
        };
        let _permit = self.permits.acquire().await;
        if let Some(why) = self.just_found_away() {
            return Outcome::Unreachable(why);
        }
        let kept = self.idle().pop().filter(|k| k.used.elapsed() < IDLE && !k.connection.has_broken());
        let reused = kept.is_some();
        let mut connection = match kept {
            Some(kept) => kept.connection,
            None => match self.connect().await {
                Ok(connection) => connection,
                Err(why) => return self.away(why),
            },
        };
        let mut done = self.transact(&mut connection, envelope.key, &to, &bytes).await;
        if reused && matches!(done, Transaction::NothingSent(_)) {
            // The server closed an idle connection: nothing was sent on it, so a fresh one is tried at once.
            match self.connect().await {
                Ok(fresh) => connection = fresh,
                Err(why) => return self.away(why),
            }
            done = self.transact(&mut connection, envelope.key, &to, &bytes).await;
        }
        match done {
            Transaction::Answered { outcome, reusable } => {
                if reusable {
                    self.idle().push(Kept { connection, used: Instant::now() });
                }
                outcome
            }
            // The connection is dropped, without a QUIT that might never be answered.
            Transaction::NothingSent(why) => Outcome::Transient { why, retry_after: None },
            Transaction::Lost(why) => Outcome::Unknown(why),
        }
    }

    fn away(&self, why: String) -> Outcome {
        *self.found_away.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), why.clone()));
        Outcome::Unreachable(why)
    }

    /// In what words another message found the server away a moment ago: this one need not try too.
    fn just_found_away(&self) -> Option<String> {
        let found = self.found_away.lock().unwrap_or_else(PoisonError::into_inner);
        found.as_ref().filter(|(at, _)| at.elapsed() < AWAY).map(|(_, why)| why.clone())
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One mail transaction.
    async fn transact(
        &self,
        connection: &mut AsyncSmtpConnection,
        key: &str,
        to: &Address,
        bytes: &[u8],
    ) -> Transaction {
        let mut parameters = Vec::new();
        if connection.server_info().supports_feature(Extension::EightBitMime) {
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        let mail = Mail::new(Some(self.envelope_from(key)), parameters).to_string();
        let commands =
            [(mail, false), (Rcpt::new(to.clone(), Vec::new()).to_string(), true), (Data.to_string(), false)];
        for (command, about_the_address) in commands {
            match tokio::time::timeout(COMMAND_TIMEOUT, connection.command(command)).await {
                Err(_) => return Transaction::NothingSent("pas de réponse du serveur de courrier".to_owned()),
                Ok(Ok(_)) => {}
                Ok(Err(e)) if e.is_permanent() || e.is_transient() => {
                    let refusal = if about_the_address && mailbox_refused(&e) {
                        Outcome::AddressRefused(describe(&e))
                    } else {
                        refusal(&e)
                    };
                    let reset = tokio::time::timeout(RESET_TIMEOUT, connection.command(Rset)).await;
                    return Transaction::Answered { outcome: refusal, reusable: matches!(reset, Ok(Ok(_))) };
                }
                Ok(Err(e)) => return Transaction::NothingSent(describe(&e)),
            }
        }
        match tokio::time::timeout(self.wait, connection.message(bytes)).await {
            Ok(Ok(response)) => {
                let outcome = Outcome::Accepted(without_addresses(response.first_line().unwrap_or("250")));
                Transaction::Answered { outcome, reusable: true }
            }
            Ok(Err(e)) if e.is_permanent() || e.is_transient() => {
                Transaction::Answered { outcome: refusal(&e), reusable: true }
            }
            Ok(Err(e)) => Transaction::Lost(format!("connexion perdue après l’envoi : {}", describe(&e))),
            Err(_) => Transaction::Lost(format!("pas de réponse {} s après l’envoi", self.wait.as_secs())),
        }
    }

    /// Authenticates command by command: lettre's own helper sends QUIT after a refusal and may wait long for its answer.
    async fn authenticate(
        &self,
        connection: &mut AsyncSmtpConnection,
        credentials: &Credentials,
    ) -> Result<(), lettre::transport::smtp::Error> {
        let mechanism = connection
            .server_info()
            .get_auth_mechanism(&[Mechanism::Plain, Mechanism::Login])
            .unwrap_or(Mechanism::Plain);
        let mut answer = connection.command(Auth::new(mechanism, credentials.clone(), None)?).await?;
        // LOGIN asks for name and password in turn (RFC 4616 §1 compares the two).
        for _ in 0..2 {
            if !answer.has_code(334) {
                break;
            }
            answer = connection.command(Auth::new_from_response(mechanism, credentials.clone(), &answer)?).await?;
        }
        Ok(())
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, String> {
        let attempt = tokio::time::timeout(CONNECT_TIMEOUT, self.connect_now()).await;
        attempt.unwrap_or_else(|_| {
            Err(format!("{}:{} : pas de réponse en {} s", self.host, self.port, CONNECT_TIMEOUT.as_secs()))
        })
    }

    async fn connect_now(&self) -> Result<AsyncSmtpConnection, String> {
        let place = format!("{}:{}", self.host, self.port);
        let socket = TcpStream::connect((self.host.as_str(), self.port))
            .await
            .map_err(|e| format!("{place} : connexion impossible ({e})"))?;
        socket.set_nodelay(true).map_err(|e| format!("{place} : {e}"))?;
        let hello = ClientId::default();
        let smtp = |e: lettre::transport::smtp::Error| format!("{place} : {}", describe(&e));
        let mut connection = match self.tls {
            Tls::Implicit => {
                let stream = self.tls_stream(socket).await.map_err(|e| format!("{place} : TLS refusé ({e})"))?;
                AsyncSmtpConnection::connect_with_transport(Box::new(stream), &hello).await.map_err(smtp)?
            }
            Tls::None | Tls::Starttls => {
                AsyncSmtpConnection::connect_with_transport(Box::new(socket), &hello).await.map_err(smtp)?
            }
        };
        if self.tls == Tls::Starttls {
            let mut parameters = TlsParameters::builder(self.host.clone());
            if let Some(pem) = &self.authority {
                parameters = parameters.add_root_certificate(Certificate::from_pem(pem).map_err(smtp)?);
            }
            let parameters = parameters.build_rustls().map_err(smtp)?;
            connection.starttls(parameters, &hello).await.map_err(smtp)?;
        }
        if let Some(credentials) = &self.credentials {
            self.authenticate(&mut connection, credentials).await.map_err(smtp)?;
        }
        Ok(connection)
    }

    async fn tls_stream(&self, socket: TcpStream) -> Result<TlsSocket, String> {
        let config = vigie_config::tls::client(self.authority.as_deref()).map_err(|e| e.to_string())?;
        let name = rustls::pki_types::ServerName::try_from(self.host.clone()).map_err(|e| e.to_string())?;
        TlsConnector::from(config).connect(name, socket).await.map(TlsSocket).map_err(|e| e.to_string())
    }
}

fn refusal(e: &lettre::transport::smtp::Error) -> Outcome {
    if e.is_permanent() {
        Outcome::Permanent(describe(e))
    } else {
        Outcome::Transient { why: describe(e), retry_after: None }
    }
}

/// The server's words, without addresses.
fn describe(e: &lettre::transport::smtp::Error) -> String {
    use std::error::Error;
    let code = e.status().map(|c| format!("{c} ")).unwrap_or_default();
    let words = e.source().map_or_else(|| e.to_string(), ToString::to_string);
    format!("{code}{}", without_addresses(&words))
}

fn without_addresses(words: &str) -> String {
    words.split_whitespace().map(|w| if w.contains('@') { "[adresse]" } else { w }).collect::<Vec<_>>().join(" ")
}

/// The server says that there is no such mailbox: 550, 551 or 553 to RCPT, unless the enhanced code says it is a matter of
/// policy (RFC 3463: X.7) or of a full mailbox (X.2).
fn mailbox_refused(e: &lettre::transport::smtp::Error) -> bool {
    let code = e.status().map(|c| c.to_string()).unwrap_or_default();
    let words = describe(e);
    let passing = words.split_whitespace().any(|w| w.starts_with("5.7.") || w.starts_with("5.2."));
    matches!(code.as_str(), "550" | "551" | "553") && !passing
}

/// A TLS stream that lettre can use.
#[derive(Debug)]
struct TlsSocket(TlsStream<TcpStream>);

impl AsyncRead for TlsSocket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for TlsSocket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

impl AsyncTokioStream for TlsSocket {
    fn peer_addr(&self) -> std::io::Result<SocketAddr> {
        self.0.get_ref().0.peer_addr()
    }
}
