//! `replay --data DIR --listen ADDR`: serves recorded BOAMP records and feeds as the real publishers would.

use std::path::PathBuf;

use clap::Parser;
use vigie_tests::replay::Replay;

/// Serves recorded BOAMP records (Explore v2.1) and feeds (/feeds/NAME) over HTTP.
#[derive(Debug, Parser)]
struct Args {
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

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    use std::io::Write;
    let args = Args::parse();
    let replay = Replay::of_folder(&args.data)?.with_quota(args.quota);
    let (records, feeds) = replay.with(|s| (s.records.len(), s.feeds.len()));
    let listener = tokio::net::TcpListener::bind(&args.listen).await?;
    writeln!(
        std::io::stdout(),
        "{records} records, {feeds} feeds\nurl = \"http://{}/api/explore/v2.1/catalog/datasets/boamp\"",
        listener.local_addr()?
    )?;
    axum::serve(listener, replay.router()).await?;
    Ok(())
}
