//! A PostgreSQL server started for one test and stopped with it. The store's own tests read this file too.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A PostgreSQL cluster of its own in a temporary folder.
#[derive(Debug)]
pub struct Postgres {
    dir: tempfile::TempDir,
    bin: PathBuf,
    /// `postgres://…` of an empty database.
    pub url: String,
}

impl Postgres {
    /// Starts a cluster.
    ///
    /// # Errors
    /// Why it cannot be started.
    pub fn try_start() -> Result<Self, &'static str> {
        let bin = postgres_binaries().ok_or("no initdb in PATH or /usr/lib/postgresql")?;
        let dir = tempfile::Builder::new().prefix("vigie-pg-").tempdir().map_err(|_| "no temporary folder")?;
        let port = free_port().ok_or("no free port")?;
        let data = dir.path().join("data");
        let run = |program: &str, args: &[&str]| {
            let mut command = as_ordinary_user(&bin.join(program));
            command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            command.status().is_ok_and(|s| s.success())
        };
        if is_root() {
            let _ = Command::new("chown").arg("postgres").arg(dir.path()).status();
        }
        let (data_text, socket) = (data.display().to_string(), dir.path().display().to_string());
        if !run("initdb", &["-D", &data_text, "-A", "trust", "-U", "vigie", "--no-sync", "-E", "UTF8", "--locale", "C"])
        {
            return Err("initdb failed");
        }
        let options = format!("-p {port} -k {socket} -c fsync=off -c listen_addresses=127.0.0.1");
        let log = dir.path().join("log").display().to_string();
        if !run("pg_ctl", &["-w", "-D", &data_text, "-l", &log, "-o", &options, "start"]) {
            return Err("pg_ctl start failed");
        }
        Ok(Self { dir, bin, url: format!("postgres://vigie@127.0.0.1:{port}/postgres") })
    }

    /// The folder of its files, its log beside it.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.dir.path()
    }

    /// A program of the same version, such as `pg_dump`.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let data = self.dir.path().join("data");
        let _ = as_ordinary_user(&self.bin.join("pg_ctl"))
            .args(["-m", "immediate", "-D"])
            .arg(data)
            .arg("stop")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
    }
}

fn postgres_binaries() -> Option<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|e| e.path().join("bin"))
        .filter(|p| p.join("initdb").exists())
        .collect();
    found.sort();
    found.pop().or_else(|| std::env::split_paths(&std::env::var_os("PATH")?).find(|p| p.join("initdb").exists()))
}

/// PostgreSQL refuses to run as root.
fn as_ordinary_user(program: &Path) -> Command {
    if is_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(program).current_dir("/tmp");
        command
    } else {
        Command::new(program)
    }
}

pub(crate) fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|o| o.stdout.starts_with(b"0\n"))
}

/// A port that is free now.
#[must_use]
pub fn free_port() -> Option<u16> {
    std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).map(|a| a.port()).ok()
}
