//! E-mail over SMTP, through lettre.
//!
//! - One recipient an envelope: one refused RCPT harms nobody else.
//! - Each command has its answer, so that what failed is known: before the final dot nothing was sent (transient); a
//!   connection lost after it may have delivered (unknown, sent again with the same Message-ID).
//! - A server that takes commands one behind another (PIPELINING, RFC 2920) is given the envelope at once: a message is two
//!   exchanges and not four. The message itself leaves when all three are accepted.
//! - The socket is ours and has `TCP_NODELAY`: lettre's own waits 40 ms for Nagle at every mail.
//! - Replies are bytes: what a server says never decides over the code it gives (`reply`).
//! - Connections are kept and used again; the wait after the final dot is ten minutes (RFC 5321 §4.5.3.2.6).
//! - The sender of the envelope is the return address of that one delivery ([`return_path`]), where one is set.
//! - The message itself is made in `mime`, and signed in [`dkim`] where there is a key.

pub mod address;
pub mod dkim;
mod mime;
pub mod refusal;
mod reply;
pub mod return_path;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lettre::Address;
use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Auth, Data, Mail, Rcpt, Rset};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use secrecy::SecretString;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use vigie_config::settings::{self, Tls};
use vigie_domain::delivery::Outcome;
use vigie_domain::french;

use super::Envelope;
use dkim::Signer;
use reply::Replies;
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

/// A connection that was greeted, and authenticated where there is an account.
struct Connection {
    smtp: AsyncSmtpConnection,
    /// The server takes commands one behind another.
    pipelines: bool,
}

struct Kept {
    connection: Connection,
    used: Instant,
}

impl Email {
    /// Makes the channel. Nothing is connected yet.
    ///
    /// # Errors
    /// An address or the certificate authority is unreadable.
    pub fn new(block: &settings::Email, password: Option<&SecretString>) -> Result<Self, EmailError> {
        let mailbox = |text: &str| {
            let read = text.parse::<Mailbox>().map_err(|_| EmailError::Address(text.to_owned()))?;
            Ok(Mailbox { email: address::with_ascii_domain(&read.email), ..read })
        };
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
        let own: Option<Address> = self.return_path.as_ref().and_then(|r| r.of(key).parse().ok());
        own.map(|address| address::with_ascii_domain(&address)).unwrap_or_else(|| self.from.email.clone())
    }

    /// How many messages may be under way at once.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections
    }

    /// Connects, greets, authenticates and announces a message that is not sent, to try a configuration; `somebody` is whom it
    /// would go to. Says what was tried.
    ///
    /// # Errors
    /// What the server or the network said.
    pub async fn check(&self, somebody: Option<&str>) -> Result<String, String> {
        let mut connection = self.connect().await?.smtp;
        let from = self.from.email.clone();
        let to = somebody.and_then(|s| s.parse::<Address>().ok()).unwrap_or_else(|| from.clone());
        let place = format!("{}:{}", self.host, self.port);
        // Who asks for an account says so only once a message is announced. Nothing is sent.
        if let Err(e) = connection.command(Mail::new(Some(from), Vec::new())).await
            && e.is_permanent()
        {
            return Err(format!("{place} refuse l’expéditeur : {}", describe(&e)));
        }
        if let Err(e) = connection.command(Rcpt::new(to, Vec::new())).await
            && e.is_permanent()
            && refusal::asks_for_an_account(&describe(&e))
        {
            return Err(format!("{place} demande un compte : {}", describe(&e)));
        }
        connection.abort().await;
        Ok(if self.credentials.is_some() {
            "connexion et identification réussies".to_owned()
        } else {
            "connexion réussie, sans compte".to_owned()
        })
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
        let to = address::with_ascii_domain(&to);
        let content = match self.compose(envelope, &to) {
            Ok(message) => on_the_wire(&message),
            Err(why) => return Outcome::Permanent(format!("message impossible à composer : {why}")),
        };
        let _permit = self.permits.acquire().await;
        if let Some(why) = self.just_found_away() {
            return Outcome::Unreachable(why);
        }
        let kept = self.idle().pop().filter(|k| k.used.elapsed() < IDLE && !k.connection.smtp.has_broken());
        let reused = kept.is_some();
        let mut connection = match kept {
            Some(kept) => kept.connection,
            None => match self.connect().await {
                Ok(connection) => connection,
                Err(why) => return self.away(why),
            },
        };
        let mut done = self.transact(&mut connection, envelope.key, &to, &content).await;
        if reused && matches!(done, Transaction::NothingSent(_)) {
            // The server closed an idle connection: nothing was sent on it, so a fresh one is tried at once.
            match self.connect().await {
                Ok(fresh) => connection = fresh,
                Err(why) => return self.away(why),
            }
            done = self.transact(&mut connection, envelope.key, &to, &content).await;
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

    /// One mail transaction; `content` is the message as it is written behind DATA.
    async fn transact(&self, connection: &mut Connection, key: &str, to: &Address, content: &str) -> Transaction {
        let Connection { smtp, pipelines } = connection;
        let mut parameters = Vec::new();
        if smtp.server_info().supports_feature(Extension::EightBitMime) {
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        let from = self.envelope_from(key);
        if address::needs_smtputf8(to) || address::needs_smtputf8(&from) {
            if !smtp.server_info().supports_feature(Extension::SmtpUtfEight) {
                let why = "le serveur d’envoi ne prend pas d’adresse avec des lettres accentuées (SMTPUTF8)".to_owned();
                return Transaction::Answered { outcome: Outcome::Permanent(why), reusable: true };
            }
            parameters.push(MailParameter::SmtpUtfEight);
        }
        let envelope = [
            Mail::new(Some(from), parameters).to_string(),
            Rcpt::new(to.clone(), Vec::new()).to_string(),
            Data.to_string(),
        ];
        match announce(smtp, envelope, *pipelines).await {
            Announced::Awaited => {}
            Announced::Refused { outcome, after } => {
                let reusable = match after {
                    // What ends it now would be a message without a word, for nobody.
                    After::ContentAwaited | After::Lost => false,
                    After::Listens => {
                        matches!(tokio::time::timeout(RESET_TIMEOUT, smtp.command(Rset)).await, Ok(Ok(_)))
                    }
                };
                return Transaction::Answered { outcome, reusable };
            }
            Announced::Lost(why) => return Transaction::NothingSent(why),
        }
        match tokio::time::timeout(self.wait, smtp.command(content)).await {
            Ok(Ok(response)) => {
                let outcome = Outcome::Accepted(without_addresses(response.first_line().unwrap_or("250")));
                Transaction::Answered { outcome, reusable: true }
            }
            Ok(Err(e)) if e.is_permanent() || e.is_transient() => {
                Transaction::Answered { outcome: refused(&e), reusable: true }
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

    async fn connect(&self) -> Result<Connection, String> {
        let attempt = tokio::time::timeout(CONNECT_TIMEOUT, self.connect_now()).await;
        attempt.unwrap_or_else(|_| {
            Err(format!("{}:{} : pas de réponse en {} s", self.host, self.port, CONNECT_TIMEOUT.as_secs()))
        })
    }

    async fn connect_now(&self) -> Result<Connection, String> {
        let place = format!("{}:{}", self.host, self.port);
        let mut socket = TcpStream::connect((self.host.as_str(), self.port))
            .await
            .map_err(|e| format!("{place} : connexion impossible ({})", french::of_system(&e)))?;
        socket.set_nodelay(true).map_err(|e| format!("{place} : {e}"))?;
        let hello = ClientId::default();
        let smtp = |e: lettre::transport::smtp::Error| format!("{place} : {}", describe(&e));
        let refused = |e: String| format!("{place} : TLS refusé ({})", vigie_config::tls::refusal(&e));
        let greeted = |e: String| format!("{place} : {}", without_addresses(in_french(&e)));
        let (connected, pipelines) = match self.tls {
            Tls::None => {
                reply::greeting(&mut socket).await.map_err(greeted)?;
                let answer = reply::hello(&mut socket, &hello).await.map_err(greeted)?;
                let stream = Box::new(Replies::greeted(socket, &answer));
                (AsyncSmtpConnection::connect_with_transport(stream, &hello).await, reply::pipelines(&answer))
            }
            Tls::Implicit | Tls::Starttls => {
                if self.tls == Tls::Starttls {
                    reply::starttls(&mut socket, &hello).await.map_err(|e| refused(without_addresses(&e)))?;
                }
                let mut stream = self.tls_stream(socket).await.map_err(refused)?;
                if self.tls == Tls::Implicit {
                    reply::greeting(&mut stream).await.map_err(greeted)?;
                }
                let answer = reply::hello(&mut stream, &hello).await.map_err(greeted)?;
                let stream = Box::new(Replies::greeted(stream, &answer));
                (AsyncSmtpConnection::connect_with_transport(stream, &hello).await, reply::pipelines(&answer))
            }
        };
        let mut connection = connected.map_err(smtp)?;
        if let Some(credentials) = &self.credentials {
            self.authenticate(&mut connection, credentials).await.map_err(smtp)?;
        }
        Ok(Connection { smtp: connection, pipelines })
    }

    async fn tls_stream(&self, socket: TcpStream) -> Result<TlsStream<TcpStream>, String> {
        let config = vigie_config::tls::client(self.authority.as_deref()).map_err(|e| e.to_string())?;
        let name = rustls::pki_types::ServerName::try_from(self.host.clone()).map_err(|e| e.to_string())?;
        TlsConnector::from(config).connect(name, socket).await.map_err(|e| e.to_string())
    }
}

/// How the announcement of a message ended.
enum Announced {
    /// The server waits for the message.
    Awaited,
    Refused {
        outcome: Outcome,
        after: After,
    },
    /// The connection was lost, or nothing was answered.
    Lost(String),
}

/// Where a connection stands after a refusal.
enum After {
    /// It takes another command.
    Listens,
    /// The server waits for the message all the same: it took DATA without a recipient, as RFC 2920 §3.1 lets it.
    ContentAwaited,
    Lost,
}

/// Says from whom and for whom a message is, and that it follows. All three are written at once where the server `pipelines`; their
/// answers come in their order, and the first refusal counts.
async fn announce(smtp: &mut AsyncSmtpConnection, [mail, rcpt, data]: [String; 3], pipelines: bool) -> Announced {
    let commands = if pipelines {
        [(Some([mail, rcpt, data].concat()), false), (None, true), (None, false)]
    } else {
        [(Some(mail), false), (Some(rcpt), true), (Some(data), false)]
    };
    let mut refusal = None;
    let mut after = After::Listens;
    for (command, about_the_address) in commands {
        let answer = async {
            match command {
                Some(command) => smtp.command(command).await,
                None => smtp.read_response().await,
            }
        };
        match tokio::time::timeout(COMMAND_TIMEOUT, answer).await {
            Ok(Ok(answer)) if answer.has_code(354) => after = After::ContentAwaited,
            Ok(Ok(_)) => {}
            Ok(Err(e)) if e.is_permanent() || e.is_transient() => {
                let outcome = if about_the_address && mailbox_refused(&e) {
                    Outcome::AddressRefused(describe(&e))
                } else {
                    refused(&e)
                };
                refusal.get_or_insert(outcome);
                if !pipelines {
                    break;
                }
            }
            Ok(Err(e)) => return lost(describe(&e), refusal),
            Err(_) => return lost("pas de réponse du serveur de courrier".to_owned(), refusal),
        }
    }
    refusal.map_or(Announced::Awaited, |outcome| Announced::Refused { outcome, after })
}

/// A connection that is lost before the message left: what was refused on it stays so.
fn lost(why: String, refusal: Option<Outcome>) -> Announced {
    refusal.map_or(Announced::Lost(why), |outcome| Announced::Refused { outcome, after: After::Lost })
}

/// A message as it is written behind DATA: a line that begins with a dot bears another one, and a dot alone ends it (RFC 5321 §4.5.2).
fn on_the_wire(message: &str) -> String {
    let mut content = String::with_capacity(message.len() + message.len() / 64 + 8);
    let mut lines = message.split("\r\n.");
    if message.starts_with('.') {
        content.push('.');
    }
    content.extend(lines.next());
    for line in lines {
        content.push_str("\r\n..");
        content.push_str(line);
    }
    if !content.ends_with("\r\n") {
        content.push_str("\r\n");
    }
    content.push_str(".\r\n");
    content
}

fn refused(e: &lettre::transport::smtp::Error) -> Outcome {
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
    let words = e.source().map_or_else(
        || e.to_string(),
        |source| source.downcast_ref().map_or_else(|| source.to_string(), french::of_system),
    );
    format!("{code}{}", without_addresses(in_french(&words)))
}

/// What a connection says that the system has no kind for, in words.
fn in_french(words: &str) -> &str {
    match words {
        w if w.starts_with("failed to lookup address") => "ce nom de serveur est inconnu",
        w if w.contains("timed out") => "le serveur ne répond pas",
        "early eof" => "le serveur a raccroché",
        w => w,
    }
}

fn without_addresses(words: &str) -> String {
    words.split_whitespace().map(|w| if w.contains('@') { "[adresse]" } else { w }).collect::<Vec<_>>().join(" ")
}

/// The server says, to RCPT, that there is no such mailbox ([`refusal`]).
fn mailbox_refused(e: &lettre::transport::smtp::Error) -> bool {
    let code = e.status().map(|c| c.to_string()).unwrap_or_default();
    matches!(code.as_str(), "550" | "551" | "553") && refusal::says_no_mailbox("", &describe(e))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    use tokio::net::TcpListener;

    use super::*;
    use crate::message::{Body, Message};

    /// The channel to a server of this machine, without TLS or signature.
    pub(super) fn plain(port: Option<u16>) -> Email {
        let block = settings::Email {
            host: "127.0.0.1".into(),
            port,
            tls: Tls::None,
            ca_file: None,
            username: None,
            password: None,
            from: "Vigie <vigie@vigie.example>".into(),
            reply_to: None,
            return_path: None,
            dkim: None,
            connections: 1,
            timeout_s: 20,
        };
        Email::new(&block, None).unwrap()
    }

    /// A server that answers RCPT and the final dot with these bytes; gives the commands of the envelope.
    async fn serve(
        listener: TcpListener,
        hello: &'static [u8],
        rcpt: &'static [u8],
        end: &'static [u8],
    ) -> Vec<String> {
        let mut heard = Vec::new();
        let (socket, _) = listener.accept().await.unwrap();
        let mut socket = BufReader::new(socket);
        socket.write_all(b"220 pr\xeat\r\n").await.unwrap();
        let (mut line, mut in_data) = (Vec::new(), false);
        loop {
            line.clear();
            if socket.read_until(b'\n', &mut line).await.unwrap_or(0) == 0 {
                return heard;
            }
            if line.starts_with(b"MAIL") || line.starts_with(b"RCPT") {
                heard.push(String::from_utf8_lossy(&line).trim().to_owned());
            }
            let answer: &[u8] = match line.as_slice() {
                b".\r\n" => {
                    in_data = false;
                    end
                }
                _ if in_data => continue,
                l if l.starts_with(b"DATA") => {
                    in_data = true;
                    b"354 allez-y, d\xe9sormais\r\n"
                }
                l if l.starts_with(b"RCPT") => rcpt,
                l if l.starts_with(b"EHLO") => hello,
                _ => b"250 \xe7a va\r\n",
            };
            if socket.write_all(answer).await.is_err() {
                return heard;
            }
        }
    }

    const HELLO: &[u8] = b"250-\xe9t\xe9\r\n250 8BITMIME\r\n";

    async fn sent(rcpt: &'static [u8], end: &'static [u8]) -> Outcome {
        sent_to("a@x.example", HELLO, rcpt, end).await.0
    }

    async fn sent_to(
        to: &str,
        hello: &'static [u8],
        rcpt: &'static [u8],
        end: &'static [u8],
    ) -> (Outcome, Vec<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = tokio::spawn(serve(listener, hello, rcpt, end));
        let email = plain(Some(port));
        let words = || "x".to_owned();
        let message = Message {
            subject: words(),
            body: Body::Mail { text: words(), html: words() },
            unsubscribe: None,
            files: Vec::new(),
        };
        let envelope = Envelope { to, key: "ab", thread: &[], resend: false, message: &message, buttons: &[] };
        let outcome = email.send(&envelope).await;
        // The connection ends with it, and the server with the connection.
        drop(email);
        (outcome, server.await.unwrap())
    }

    /// Accented letters in an address: a domain travels in ASCII, a local part with SMTPUTF8 or not at all.
    #[tokio::test]
    async fn an_address_beyond_ascii_travels_as_the_server_takes_it() {
        const OK: &[u8] = b"250 ok\r\n";
        const UTF8: &[u8] = b"250-x\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n";
        for (to, hello, heard) in [
            ("jeanne@soci\u{e9}t\u{e9}.fr", HELLO, Some("RCPT TO:<jeanne@xn--socit-esab.fr>")),
            ("jeanne@soci\u{e9}t\u{e9}.fr", UTF8, Some("RCPT TO:<jeanne@xn--socit-esab.fr>")),
            ("j\u{e9}anne@exemple.fr", UTF8, Some("RCPT TO:<j\u{e9}anne@exemple.fr>")),
            ("j\u{e9}anne@exemple.fr", HELLO, None),
        ] {
            let (outcome, commands) = sent_to(to, hello, OK, OK).await;
            assert_eq!(commands.last().map(String::as_str), heard, "{to}: {commands:?}");
            assert_eq!(matches!(outcome, Outcome::Accepted(_)), heard.is_some(), "{outcome:?}");
            let asks = commands.iter().any(|c| c.ends_with("SMTPUTF8"));
            assert_eq!(asks, to.starts_with("j\u{e9}") && heard.is_some(), "{commands:?}");
        }
    }

    /// A server that pipelines answers all three commands; what it refuses of them is told, though it takes DATA all the same.
    #[tokio::test]
    async fn an_envelope_goes_at_once_where_the_server_pipelines() {
        const PIPELINES: &[u8] = b"250-x\r\n250-8BITMIME\r\n250 PIPELINING\r\n";
        const OK: &[u8] = b"250 ok\r\n";
        for (rcpt, end, accepted, refused) in [
            (OK, OK, true, false),
            (OK, b"554 no\r\n".as_slice(), false, false),
            (b"550 5.1.1 no such user\r\n", OK, false, true),
            (b"451 later\r\n", OK, false, false),
        ] {
            let (outcome, commands) = sent_to("a@x.example", PIPELINES, rcpt, end).await;
            assert_eq!(commands.len(), 2, "{commands:?}");
            assert_eq!(matches!(outcome, Outcome::Accepted(_)), accepted, "{outcome:?}");
            assert_eq!(matches!(outcome, Outcome::AddressRefused(_)), refused, "{outcome:?}");
        }
        assert!(reply::pipelines("250-x\r\n250-pipelining\r\n250 SIZE\r\n"));
        assert!(!reply::pipelines("250-PIPELINING\r\n250 SIZE\r\n"), "its name");
    }

    #[test]
    fn dots_at_the_start_of_lines_are_doubled() {
        for (message, content) in
            [("a\r\n", "a\r\n.\r\n"), (".a\r\n..\r\nb.\r\n.", "..a\r\n...\r\nb.\r\n..\r\n.\r\n"), ("", "\r\n.\r\n")]
        {
            assert_eq!(on_the_wire(message), content);
        }
    }

    /// C1: the code decides, whatever bytes stand behind it.
    #[tokio::test]
    async fn a_reply_that_is_no_utf_8_is_its_code() {
        const OK: &[u8] = b"250 ok\r\n";
        assert!(matches!(sent(OK, b"250 2.0.0 Message accept\xe9\r\n").await, Outcome::Accepted(_)));
        assert!(matches!(sent(b"250 \xff\xfe\r\n", b"250-\xc3\r\n250 \xa9\r\n").await, Outcome::Accepted(_)));
        assert!(matches!(sent(OK, b"451 r\xe9essayez\r\n").await, Outcome::Transient { .. }));
        assert!(matches!(sent(OK, b"554 refus\xe9\r\n").await, Outcome::Permanent(_)));
        assert!(matches!(
            sent(b"550 5.1.1 utilisateur inconnu \xe0 cette adresse\r\n", OK).await,
            Outcome::AddressRefused(_)
        ));
        assert!(matches!(sent(b"550 Your IP is bloqu\xe9e\r\n", OK).await, Outcome::Permanent(_)));
    }
}
