//! Real servers on this machine, started for one test and stopped with it: PostgreSQL, SMTP; and the `vigie` binary.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, OnceLock};

use crate::postgres::is_root;
pub use crate::postgres::{Postgres, free_port};
use crate::shared::{required, skip};

/// A process that ends with its owner.
#[derive(Debug)]
pub struct Process(Child);

impl Process {
    /// Takes charge of a process.
    pub(crate) fn new(child: Child) -> Self {
        Self(child)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A server that cannot be started: a skip, or a failure where `VIGIE_REQUIRE` names it.
pub(crate) fn missing<T>(need: &str, why: &str) -> Option<T> {
    assert!(!required(need), "VIGIE_REQUIRE names {need}, but {why}");
    skip(why);
    None
}

impl Postgres {
    /// Starts a cluster, or says why not.
    ///
    /// # Panics
    /// `VIGIE_REQUIRE` names `postgres` and it cannot be started.
    #[must_use]
    pub fn start() -> Option<Self> {
        Self::try_start().map_or_else(|why| missing("postgres", why), Some)
    }
}

/// Which database a program runs on.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum Engine {
    /// A file of its own.
    Sqlite,
    /// A cluster of its own.
    Postgres,
}

/// A new database, gone with its owner.
#[derive(Debug)]
pub struct Database {
    /// Its address, as `[store] url` takes it.
    pub url: String,
    _dir: tempfile::TempDir,
    _postgres: Option<Postgres>,
}

impl Database {
    /// Makes a database of that kind.
    ///
    /// # Errors
    /// There is no room for a file, or PostgreSQL does not start.
    pub fn start(engine: Engine) -> std::io::Result<Self> {
        let dir = tempfile::tempdir()?;
        let postgres = match engine {
            Engine::Sqlite => None,
            Engine::Postgres => {
                Some(Postgres::start().ok_or_else(|| std::io::Error::other("PostgreSQL does not start"))?)
            }
        };
        let url = postgres
            .as_ref()
            .map_or_else(|| format!("sqlite:{}", dir.path().join("vigie.sqlite").display()), |p| p.url.clone());
        Ok(Self { url, _dir: dir, _postgres: postgres })
    }
}

/// A real SMTP server that keeps its mails.
#[derive(Debug)]
pub struct Smtp {
    _process: Process,
    dir: tempfile::TempDir,
    /// Its port on 127.0.0.1.
    pub port: u16,
}

impl Smtp {
    /// Starts a server with these options of `servers/smtp_server.py`, or says why not.
    ///
    /// # Panics
    /// `VIGIE_REQUIRE` names `smtp` and it cannot be started.
    #[must_use]
    pub fn start(options: &[&str]) -> Option<Self> {
        let Some(python) = python() else {
            return missing("smtp", "no Python with aiosmtpd (run scripts/test-setup)");
        };
        let dir = tempfile::tempdir().ok()?;
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("servers/smtp_server.py");
        let child = Command::new(python).arg(script).arg(dir.path()).args(options).stdout(Stdio::piped()).spawn();
        let Ok(mut child) = child else { return missing("smtp", "the SMTP server does not start") };
        let mut line = String::new();
        if let Some(out) = child.stdout.take() {
            let _ = BufReader::new(out).read_line(&mut line);
        }
        let process = Process(child);
        match line.trim().parse() {
            Ok(port) => Some(Self { _process: process, dir, port }),
            Err(_) => missing("smtp", "the SMTP server says no port"),
        }
    }

    /// The mails kept so far, in order of arrival.
    #[must_use]
    pub fn mails(&self) -> Vec<Vec<u8>> {
        let mut paths: Vec<PathBuf> = std::fs::read_dir(self.dir.path())
            .into_iter()
            .flatten()
            .flatten()
            .map(|e| e.path())
            .filter(|p| p.extension().is_some_and(|e| e == "eml"))
            .collect();
        paths.sort();
        paths.iter().filter_map(|p| std::fs::read(p).ok()).collect()
    }
}

/// A server of pages over TLS, which answers 200 to everything.
#[derive(Debug)]
pub struct Https {
    _process: Process,
    /// Its port on 127.0.0.1.
    pub port: u16,
}

impl Https {
    /// Starts one with that certificate and key.
    ///
    /// # Panics
    /// `VIGIE_REQUIRE` names `smtp`, whose Python it runs on, and it cannot be started.
    #[must_use]
    pub fn start(certificate: &Path, key: &Path) -> Option<Self> {
        let Some(python) = python() else { return missing("smtp", "no Python (run scripts/test-setup)") };
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("servers/https_server.py");
        let child = Command::new(python).arg(script).arg(certificate).arg(key).stdout(Stdio::piped()).spawn();
        let Ok(mut child) = child else { return missing("smtp", "the HTTPS server does not start") };
        let mut line = String::new();
        if let Some(out) = child.stdout.take() {
            let _ = BufReader::new(out).read_line(&mut line);
        }
        let process = Process(child);
        match line.trim().parse() {
            Ok(port) => Some(Self { _process: process, port }),
            Err(_) => missing("smtp", "the HTTPS server says no port"),
        }
    }
}

/// A real IMAP server (Dovecot) with one account and a mailbox in Maildir format, over TLS.
#[derive(Debug)]
pub struct Imap {
    process: Option<Process>,
    dir: tempfile::TempDir,
    /// Its port on 127.0.0.1, TLS from the first byte.
    pub port: u16,
    /// Its port on 127.0.0.1 where TLS begins by STARTTLS, without which nobody signs in.
    pub starttls_port: u16,
}

impl Imap {
    pub const ACCOUNT: (&'static str, &'static str) = ("veille", "s3cret");

    /// Starts a server with this certificate and key for `localhost` (PEM), or says why not.
    ///
    /// # Panics
    /// `VIGIE_REQUIRE` names `imap` and it cannot be started.
    #[must_use]
    pub fn start(certificate: &str, key: &str) -> Option<Self> {
        let Some(program) =
            ["/usr/sbin/dovecot", "/usr/local/sbin/dovecot"].into_iter().find(|p| Path::new(p).exists())
        else {
            return missing("imap", "no dovecot (run scripts/test-setup)");
        };
        let Ok(dir) = tempfile::Builder::new().prefix("vigie-imap-").tempdir() else {
            return missing("imap", "no temporary folder");
        };
        let (Some(port), Some(starttls_port)) = (free_port(), free_port()) else {
            return missing("imap", "no free port");
        };
        let base = dir.path().display().to_string();
        let user = if is_root() { "dovecot".to_owned() } else { std::env::var("USER").unwrap_or_default() };
        let mail_user = if is_root() { "nobody".to_owned() } else { user.clone() };
        let (name, password) = Self::ACCOUNT;
        let config = format!(
            "base_dir = {base}/run\nstate_dir = {base}/state\nlog_path = {base}/log\nprotocols = imap\nlisten = 127.0.0.1\nssl = required\nssl_cert = <{base}/cert.pem\nssl_key = <{base}/key.pem\n\
             mail_location = maildir:{base}/mail\nfirst_valid_uid = 1\nfirst_valid_gid = 1\ndefault_login_user = {user}\ndefault_internal_user = {user}\n\
             passdb {{\n  driver = static\n  args = user={name} password={password}\n}}\nuserdb {{\n  driver = static\n  args = uid={mail_user} gid=nogroup home={base}\n}}\n\
             service imap-login {{\n  chroot =\n  inet_listener imap {{\n    port = {starttls_port}\n  }}\n  inet_listener imaps {{\n    port = {port}\n    ssl = yes\n  }}\n}}\nservice anvil {{\n  chroot =\n}}\n"
        );
        for (file, text) in [("dovecot.conf", config.as_str()), ("cert.pem", certificate), ("key.pem", key)] {
            std::fs::write(dir.path().join(file), text).ok()?;
        }
        for folder in ["new", "cur", "tmp"] {
            std::fs::create_dir_all(dir.path().join("mail").join(folder)).ok()?;
        }
        let mut imap = Self { process: None, dir, port, starttls_port };
        imap.open_to_server();
        let command = Command::new(program).args(["-F", "-c"]).arg(imap.dir.path().join("dovecot.conf")).spawn();
        let Ok(child) = command else { return missing("imap", "dovecot does not start") };
        imap.process = Some(Process(child));
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            if std::time::Instant::now() > deadline {
                return missing("imap", "dovecot does not listen");
            }
            std::thread::yield_now();
        }
        Some(imap)
    }

    /// The folder of its mailbox, for a server that delivers there.
    #[must_use]
    pub fn maildir(&self) -> PathBuf {
        self.dir.path().join("mail")
    }

    /// The server reads mails as another user where the tests run as root.
    fn open_to_server(&self) {
        if is_root() {
            let _ = Command::new("chmod").arg("755").arg(self.dir.path()).status();
            let _ = Command::new("chown").args(["-R", "nobody:nogroup"]).arg(self.dir.path().join("mail")).status();
        }
    }

    /// Puts a mail into the mailbox.
    ///
    /// # Panics
    /// The folder cannot be written.
    pub fn put(&self, name: &str, mail: &str) {
        let path = self.dir.path().join("mail/new").join(format!("{name}.localhost"));
        assert!(std::fs::write(&path, mail.replace('\n', "\r\n")).is_ok(), "{} cannot be written", path.display());
        self.open_to_server();
    }
}

/// A mail server as in life (Postfix): it takes any mail, delivers into folders, and reports what it cannot deliver to the
/// sender of the envelope. It wants root.
#[derive(Debug)]
pub struct Postfix {
    dir: tempfile::TempDir,
    /// Its port on 127.0.0.1.
    pub port: u16,
}

impl Postfix {
    /// Starts a server for `domain`, whose every address is delivered into `mailbox`, and for these people, each with a folder
    /// of their own; or says why not.
    ///
    /// # Panics
    /// `VIGIE_REQUIRE` names `postfix` and it cannot be started.
    #[must_use]
    pub fn start(domain: &str, mailbox: &Path, people: &[&str]) -> Option<Self> {
        if !is_root() || !Path::new("/usr/sbin/postfix").exists() {
            return missing("postfix", "no Postfix, or no right to start it (run scripts/test-setup as root)");
        }
        let (Ok(dir), Some(port)) = (tempfile::Builder::new().prefix("vigie-mx-").tempdir(), free_port()) else {
            return missing("postfix", "no temporary folder or port");
        };
        let base = dir.path().display().to_string();
        let theirs: std::collections::BTreeSet<&str> = people.iter().filter_map(|p| p.split('@').nth(1)).collect();
        let domains = theirs.into_iter().chain([domain]).collect::<Vec<_>>().join(", ");
        let main = format!(
            "compatibility_level = 3.6\nqueue_directory = {base}/spool\ndata_directory = {base}/data\ncommand_directory = /usr/sbin\ndaemon_directory = /usr/lib/postfix/sbin\n\
             mail_owner = postfix\nsetgid_group = postdrop\nmaillog_file = {base}/log\nmaillog_file_prefixes = {base}\ninet_interfaces = 127.0.0.1\ninet_protocols = ipv4\n\
             myhostname = mx.{domain}\nmydestination =\nmynetworks = 127.0.0.0/8\nalias_maps =\nalias_database =\nlocal_recipient_maps =\nrecipient_delimiter = +\n\
             virtual_mailbox_domains = {domains}\nvirtual_mailbox_base = /\nvirtual_mailbox_maps = texthash:{base}/etc/boxes\nvirtual_minimum_uid = 1\n\
             virtual_uid_maps = static:65534\nvirtual_gid_maps = static:65534\nsmtpd_reject_unlisted_recipient = no\nsmtpd_relay_restrictions = permit_mynetworks, reject\n"
        );
        let services = format!(
            "127.0.0.1:{port} inet n - n - - smtpd\npickup unix n - n 60 1 pickup\ncleanup unix n - n - 0 cleanup\nqmgr unix n - n 300 1 qmgr\nrewrite unix - - n - - trivial-rewrite\n\
             bounce unix - - n - 0 bounce\ndefer unix - - n - 0 bounce\ntrace unix - - n - 0 bounce\nflush unix n - n 1000? 0 flush\nvirtual unix - n n - - virtual\n\
             error unix - - n - - error\nretry unix - - n - - error\nanvil unix - - n - 1 anvil\nproxymap unix - - n - - proxymap\npostlog unix-dgram n - n - 1 postlogd\n"
        );
        let mut boxes = format!("@{domain} {}/\n", mailbox.display());
        for person in people {
            boxes.push_str(&format!("{person} {base}/{person}/\n"));
        }
        for folder in ["etc", "spool", "data"].iter().chain(people) {
            std::fs::create_dir_all(dir.path().join(folder)).ok()?;
        }
        for (file, text) in [("etc/main.cf", main), ("etc/master.cf", services), ("etc/boxes", boxes)] {
            std::fs::write(dir.path().join(file), text).ok()?;
        }
        let run = |program: &str, args: &[&str]| {
            let mut command = Command::new(program);
            command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            command.status().is_ok_and(|s| s.success())
        };
        let at = |name: &str| format!("{base}/{name}");
        let owned = people.iter().all(|p| run("chown", &["nobody:nogroup", &at(p)])) && run("chmod", &["755", &base]);
        if !owned || !run("chown", &["postfix", &at("data")]) || !run("postfix", &["-c", &at("etc"), "start"]) {
            return missing("postfix", "Postfix does not start");
        }
        Some(Self { dir, port })
    }

    /// The mails that a person got so far, oldest first.
    #[must_use]
    pub fn mails(&self, person: &str) -> Vec<Vec<u8>> {
        let folder = self.dir.path().join(person).join("new");
        let mut paths: Vec<(std::time::SystemTime, PathBuf)> = std::fs::read_dir(folder)
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|e| Some((e.metadata().ok()?.modified().ok()?, e.path())))
            .collect();
        paths.sort();
        paths.iter().filter_map(|(_, p)| std::fs::read(p).ok()).collect()
    }

    /// Sends a mail, headers and body, as a person's own program does.
    ///
    /// # Errors
    /// The server does not answer, or refuses.
    pub fn send(&self, from: &str, to: &str, mail: &str) -> std::io::Result<()> {
        use std::io::Write;
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", self.port))?;
        let mut answers = BufReader::new(stream.try_clone()?).lines();
        let mail = format!("{}\r\n.", mail.replace('\n', "\r\n"));
        let (from, to) = (format!("MAIL FROM:<{from}>"), format!("RCPT TO:<{to}>"));
        for (line, wanted) in [
            ("", "220"),
            ("HELO x", "250"),
            (&from, "250"),
            (&to, "250"),
            ("DATA", "354"),
            (&mail, "250"),
            ("QUIT", "221"),
        ] {
            if !line.is_empty() {
                stream.write_all(format!("{line}\r\n").as_bytes())?;
            }
            let answer = answers.next().unwrap_or_else(|| Ok(String::new()))?;
            if !answer.starts_with(wanted) {
                return Err(std::io::Error::other(answer));
            }
        }
        Ok(())
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        let etc = self.dir.path().join("etc");
        let _ = Command::new("postfix").arg("-c").arg(etc).arg("stop").stderr(Stdio::null()).status();
    }
}

/// The Python of the tests, with the packages that `scripts/test-setup` installs: `VIGIE_TEST_PYTHON`, or the one below
/// `target/`, or the system's.
#[must_use]
pub fn python() -> Option<&'static Path> {
    static PYTHON: OnceLock<Option<PathBuf>> = OnceLock::new();
    let found = PYTHON.get_or_init(|| {
        let own = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/test-servers/venv/bin/python3");
        let named = std::env::var_os("VIGIE_TEST_PYTHON").map(PathBuf::from);
        named.into_iter().chain([own, PathBuf::from("python3")]).find(|p| {
            Command::new(p)
                .args(["-c", "import aiosmtpd"])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|s| s.success())
        })
    });
    found.as_deref()
}

/// Where mails are handed to Python, and where it answers.
type MailReader = Mutex<(ChildStdin, BufReader<ChildStdout>)>;

/// What Python's own parser finds in a mail: headers, parts, defects. One Python reads the mails of all tests; `None` where
/// there is none, or where it cannot read this mail.
#[must_use]
pub fn read_mail(bytes: &[u8]) -> Option<serde_json::Value> {
    static READER: OnceLock<Option<MailReader>> = OnceLock::new();
    let reader = READER.get_or_init(|| {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/servers/read_mail.py");
        let mut child =
            Command::new(python()?).arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
        Some(Mutex::new((child.stdin.take()?, BufReader::new(child.stdout.take()?))))
    });
    let (mails, answers) = &mut *reader.as_ref()?.lock().ok()?;
    writeln!(mails, "{}", bytes.len()).ok()?;
    mails.write_all(bytes).ok()?;
    mails.flush().ok()?;
    let mut answer = String::new();
    answers.read_line(&mut answer).ok()?;
    serde_json::from_str(&answer).ok()
}

/// The `vigie` binary: the one that `VIGIE_BINARY` names, or that of this profile, built once with what this crate's
/// features ask for.
///
/// # Panics
/// It cannot be built.
#[must_use]
pub fn vigie() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        if let Some(named) = std::env::var_os("VIGIE_BINARY") {
            return named.into();
        }
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args([
            "build",
            "--quiet",
            "--package",
            "vigie",
            "--package",
            "vigie-tests",
            "--bin",
            "vigie",
            "--locked",
        ]);
        if !cfg!(debug_assertions) {
            command.arg("--release");
        }
        let built =
            command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).status().is_ok_and(|s| s.success());
        assert!(built, "the vigie binary cannot be built");
        let target = std::env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"), PathBuf::from);
        target.join(if cfg!(debug_assertions) { "debug/vigie" } else { "release/vigie" })
    })
}
