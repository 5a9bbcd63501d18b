//! `vigie-tests replay --data DIR --listen ADDR`: serves recorded BOAMP records and feeds as the real publishers would.

use std::io::Write;
use std::path::PathBuf;

use vigie_tests::replay::Replay;
use vigie_tests::service::Outcome;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Folder of *.json (BOAMP records) and *.xml, *.rss, *.atom (feeds)
    #[arg(long)]
    data: PathBuf,
    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1:8085")]
    listen: String,
    /// Requests let through before 429 is answered
    #[arg(long, default_value_t = 50_000)]
    quota: u64,
}

pub(crate) async fn run(args: &Args) -> Outcome<bool> {
    let replay = Replay::of_folder(&args.data)?.with_quota(args.quota);
    let (records, feeds) = replay.with(|s| (s.records.len(), s.feeds.len()));
    let listener = tokio::net::TcpListener::bind(&args.listen).await?;
    writeln!(
        std::io::stdout(),
        "{records} records, {feeds} feeds\nurl = \"http://{}/api/explore/v2.1/catalog/datasets/boamp\"",
        listener.local_addr()?
    )?;
    axum::serve(listener, replay.router()).await?;
    Ok(true)
}
