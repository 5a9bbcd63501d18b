//! `rolling`: an older and a newer binary side by side on one PostgreSQL, as while several processes are renewed one after the other.
//!
//! `vigie-tests rolling --old PATH --new PATH --minutes 10`; a binary that is not given is this build's own.
//!
//! Notices come out all the time. The older one is at work when the newer one starts beside it, and with it changes the schema; the
//! newer one is ended and started again four times; then the older one is asked to end, and the newer one sends what is left. Each has a mail
//! server of its own, so that what either sent is known; a chat is shared. Ends with one line, and with exit code 1 if a message was lost or
//! came twice, if one of the two sent nothing while the other ran, or if the older one ended by itself.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use vigie_tests::servers::{Engine, vigie};
use vigie_tests::service::Outcome;
use vigie_tests::sink::{Reaction, Sink};

use super::{MARK, RUN_WITHIN, Scene, Stage, Tally, terminate};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Binary of the version before
    #[arg(long)]
    old: Option<PathBuf>,
    /// Binary of the version after
    #[arg(long)]
    new: Option<PathBuf>,
    /// Minutes side by side
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
}

/// Between two notices: three times in two seconds, what a chat's pace still takes.
const GAP: Duration = Duration::from_millis(667);
/// How often the newer one is ended and started again.
const RESTARTS: u32 = 4;

/// Two binaries on one stage, which runs the newer one.
struct Pair {
    stage: Stage,
    old: PathBuf,
}

pub(crate) async fn run(args: &Args) -> Outcome<bool> {
    let own = || vigie().to_owned();
    let (old, new) = (args.old.clone().unwrap_or_else(own), args.new.clone().unwrap_or_else(own));
    // What a version of before does not know in its settings is left out.
    let scene = Scene { engine: Engine::Postgres, turns: 0, rooms: false, programs: false, per_hour: 0 };
    let mut stage = Stage::set(&new, scene).await?;
    stage.sinks.push(Sink::start(MARK, |_| Reaction::Accept).await?);
    let settings = std::fs::read_to_string(stage.dir.path().join("vigie.toml"))?;
    let ports: Vec<String> = stage.sinks.iter().map(|sink| format!("\nport = {}\n", sink.port)).collect();
    std::fs::write(stage.dir.path().join("old.toml"), settings.replace(&ports[0], &ports[1]))?;
    let mut pair = Pair { stage, old };
    pair.renew(Duration::from_secs_f64(args.minutes * 60.0)).await
}

impl Pair {
    /// Sent by the newer one, and by the older one.
    fn sent(&self) -> [usize; 2] {
        [self.stage.sinks[0].count(), self.stage.sinks[1].count()]
    }

    fn older(&self) -> Command {
        let mut command = Command::new(&self.old);
        command.args(["run", "--role", "watch,deliver", "-c"]).arg(self.stage.dir.path().join("old.toml"));
        command.env_remove("VIGIE_NOW").env("VIGIE_LOG", "warn").stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    async fn renew(&mut self, side_by_side: Duration) -> Outcome<bool> {
        let mut old = Running::start(&mut self.older())?;
        self.load(RUN_WITHIN, |pair| pair.sent()[1] > 0, &mut old).await?;
        let mut new = Running::start(&mut self.stage.command(&[]))?;
        // From its first mail on both are at work.
        self.load(RUN_WITHIN, |pair| pair.sent()[0] > 0, &mut old).await?;
        let before = self.sent();
        let turn = side_by_side / (RESTARTS + 1);
        for _ in 0..RESTARTS {
            self.load(turn, |_| false, &mut old).await?;
            terminate(&mut new.0)?;
            new = Running::start(&mut self.stage.command(&[]))?;
        }
        self.load(turn, |_| false, &mut old).await?;
        let after = self.sent();
        terminate(&mut old.0)?;
        terminate(&mut new.0)?;
        self.stage.calm_down().await?;
        let mut tally = Tally::default();
        self.stage.count(&mut tally).await?;
        let [newer, older] = [after[0] - before[0], after[1] - before[1]];
        let again = self.older_again()?;
        let (seconds, notices) = (side_by_side.as_secs(), self.stage.published.len());
        let mut out = std::io::stdout();
        writeln!(out, "the older one, started again: {again}")?;
        writeln!(
            out,
            "side by side for {seconds} s: mails of the newer {newer}, of the older {older}; {notices} notices"
        )?;
        writeln!(out, "{tally}")?;
        Ok(tally.good() && tally.duplicated == 0 && newer > 0 && older > 0)
    }

    /// Notices come out for that long, or until something has happened, while the older one goes on.
    async fn load(&mut self, within: Duration, done: impl Fn(&Self) -> bool, old: &mut Running) -> Outcome<()> {
        let began = Instant::now();
        while began.elapsed() < within && !done(self) {
            self.stage.publish(1);
            tokio::time::sleep(GAP).await;
            if let Some(status) = old.0.try_wait()? {
                return Err(format!("the older one ended by itself: {status}").into());
            }
        }
        Ok(())
    }

    /// What becomes of the older one where it is started over a schema that the newer one changed.
    fn older_again(&self) -> Outcome<String> {
        let out = self.older().arg("--once").stderr(Stdio::piped()).output()?;
        Ok(format!("{}. {}", out.status, String::from_utf8_lossy(&out.stderr).trim()))
    }
}

/// A binary at work, killed where its owner gives up.
struct Running(Child);

impl Running {
    fn start(command: &mut Command) -> Outcome<Self> {
        Ok(Self(command.spawn()?))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended already is no fault.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
