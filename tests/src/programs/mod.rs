//! The programs, one module each. A module has the options as `Args` and `run`, which says whether what it found is good.

mod after_award;
mod audience;
mod crash;
#[cfg(feature = "telegram")]
mod fair;
mod faults;
#[cfg(feature = "telegram")]
mod fuzz;
#[cfg(feature = "telegram")]
mod hostile;
mod load;
mod month;
mod replay;
mod weigh;

use clap::Parser;
use vigie_tests::service::Outcome;

/// Measures vigie, tries to break it, or stands in for what surrounds it
#[derive(Debug, Parser)]
#[command(name = "vigie-tests")]
pub(crate) enum Program {
    /// Kills the real binary again and again; counts what was lost, unexpected or duplicated
    Crash(crash::Args),
    /// An older and a newer binary side by side on one PostgreSQL, under load; counts what was lost or came twice
    Rolling(crash::rolling::Args),
    /// Mail servers, homeservers and a Bot API that misbehave, one case after another
    Faults(faults::Args),
    /// Durable delivery beside a bare loop over the same transport
    Load(load::Args),
    /// Finding whom a notice concerns, among many subscriptions
    Audience(audience::Args),
    /// What a busy chat costs the others
    #[cfg(feature = "telegram")]
    Fair(fair::Args),
    /// The real binary among hostile feeds, pages, chats and slow clients
    #[cfg(feature = "telegram")]
    Hostile(hostile::Args),
    /// A month of recorded notices on a simulated clock
    Month(month::Args),
    /// Three years of awards and of contracts that end, on a simulated clock
    AfterAward(after_award::Args),
    /// Weight of every page, and time to its first byte
    Weigh(weigh::Args),
    /// Serves recorded BOAMP records (Explore v2.1) and feeds (/feeds/NAME) over HTTP
    Replay(replay::Args),
    /// Feeds renderers and parsers with mutations of the corpus
    #[cfg(feature = "telegram")]
    Fuzz(fuzz::Args),
}

impl Program {
    pub(crate) async fn run(self) -> Outcome<bool> {
        match self {
            Self::Crash(args) => crash::run(&args).await,
            Self::Rolling(args) => crash::rolling::run(&args).await,
            Self::Faults(args) => faults::run(&args).await,
            Self::Load(args) => load::run(&args).await,
            Self::Audience(args) => audience::run(&args).await,
            #[cfg(feature = "telegram")]
            Self::Fair(args) => fair::run(&args).await,
            #[cfg(feature = "telegram")]
            Self::Hostile(args) => hostile::run(&args).await,
            Self::Month(args) => month::run(&args).await,
            Self::AfterAward(args) => after_award::run(&args).await,
            Self::Weigh(args) => weigh::run(&args).await,
            Self::Replay(args) => replay::run(&args).await,
            #[cfg(feature = "telegram")]
            Self::Fuzz(args) => fuzz::run(&args),
        }
    }
}
