//! Reads the files of a consultation and writes what was found as JSON, without the rest of the program: `cargo run -p
//! vigie-consultation --example read -- NOTICE.txt FILE…`, where the first file may be `-` for no notice. For whoever changes what is
//! read and judges it over many consultations.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use vigie_consultation::contradiction::{Announced, contradictions};
use vigie_consultation::{Given, Reader, sandbox};
use vigie_domain::{Notice, NoticeKind, Passage};

/// Lines of HTML, roughly as the program's own reader gives them: tags are gone, blocks end lines.
fn lines(bytes: &[u8]) -> String {
    const BLOCKS: [&str; 14] =
        ["p", "h1", "h2", "h3", "h4", "li", "br", "tr", "title", "div", "header", "footer", "ul", "ol"];
    const ENTITIES: [(&str, &str); 7] = [
        ("&#x27;", "'"),
        ("&nbsp;", "\u{a0}"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ];
    let mut out = String::new();
    let html = String::from_utf8_lossy(bytes);
    let mut rest = html.as_ref();
    while let Some((words, behind)) = rest.split_once('<') {
        out.push_str(&words.replace(['\n', '\r'], " "));
        let Some((tag, behind)) = behind.split_once('>') else { break };
        let name = tag.trim_start_matches('/').split_whitespace().next().unwrap_or_default().to_lowercase();
        if BLOCKS.contains(&name.as_str()) {
            out.push('\n');
        }
        rest = behind;
    }
    out.push_str(rest);
    ENTITIES.iter().fold(out, |text, (entity, c)| text.replace(entity, c))
}

fn main() -> ExitCode {
    // The children that open the files are this very program.
    if let Some(code) = sandbox::child(lines) {
        return code;
    }
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            let _ = writeln!(std::io::stderr(), "{fault}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let notice = args.next().filter(|n| n != "-").map(std::fs::read_to_string).transpose()?.map(|text| {
        let mut notice = Notice::new("example", "1", NoticeKind::Call);
        notice.passages.push(Passage { field: "texte".to_owned(), lot: None, text });
        Announced::read(&notice)
    });
    let mut given = Vec::new();
    for file in args {
        let name = Path::new(&file).file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        given.push(Given { name, bytes: std::fs::read(&file)? });
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let read = runtime.block_on(Reader::open()?.read(given, |_| {}))?;
    let told = contradictions(&read, notice.as_ref());
    serde_json::to_writer(std::io::stdout(), &serde_json::json!({ "consultation": read, "contradictions": told }))?;
    Ok(())
}
