//! How much room a reader takes at most, whatever it reads: each hostile input is read alone, by this very program started again,
//! which says how far its memory rose.

use std::io::Write;
use std::process::Command;

use vigie_bot::roles::mailbox::read;
use vigie_config::settings;
use vigie_notifier::channels::email::Email;
use vigie_watcher::fetch::Fetcher;
use vigie_watcher::imap::MAX_MAIL;
use vigie_watcher::sources::{self, Memory};

/// Most that reading one input may add, in KiB, the input itself and the copy that stands for the network included: the service lives
/// within 200 MiB, reads one large input at a time, and takes some fifty itself.
const FENCE_KIB: u64 = 128 * 1024;
/// Where the program that was started again finds what to read, and how.
const INPUT: &str = "VIGIE_TEST_INPUT";
const READER: &str = "VIGIE_TEST_READER";

/// A number of this process, in KiB.
fn status(key: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find_map(|l| l.strip_prefix(key)).unwrap();
    line.trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap()
}

/// Reads one input as the service does.
async fn read(kind: &str, bytes: Vec<u8>) {
    if kind == "mail" {
        let email = Email::new(&toml::from_str("host = 'x'\nfrom = 'v@vigie.example'").unwrap(), None).unwrap();
        let _ = read::read(&bytes, &email);
        return;
    }
    let block = settings::Source::new("s", kind, Some("https://a.example/"), settings::Baseline::Deliver);
    let block = if kind == "portal" {
        let list: toml::Table =
            toml::from_str("items = 'li, tr, div, p'\nfields = { title = 'a', link = 'a@href' }").unwrap();
        block.with("list", list).with("permission", "accord écrit")
    } else {
        block
    };
    let source = (sources::kind(kind).unwrap().build)(&block).unwrap();
    let fetcher = Fetcher::Bundled(Box::new(move |_| Some(bytes.clone())));
    let _ = sources::poll(source.as_ref(), &fetcher, &Memory::default(), chrono::Utc::now()).await;
}

/// The program that was started again.
#[tokio::test]
#[ignore = "started by the tests below, each time alone"]
async fn reads_one_input() {
    let Some(path) = std::env::var_os(INPUT) else { return };
    let kind = std::env::var(READER).unwrap();
    let bytes = std::fs::read(path).unwrap();
    let before = status("VmRSS:");
    // The peak is counted from here on.
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    read(&kind, bytes).await;
    let rose = status("VmHWM:").saturating_sub(before);
    writeln!(std::io::stdout(), "rose-by={rose}").unwrap();
}

/// By how many KiB reading this raises the memory of a process that does nothing else.
fn rises(kind: &str, bytes: &[u8]) -> u64 {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("input");
    std::fs::write(&path, bytes).unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "fences::reads_one_input", "--ignored", "--nocapture", "--test-threads=1"]);
    let out = command.env(INPUT, &path).env(READER, kind).output().unwrap();
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(out.status.success(), "{said} {}", String::from_utf8_lossy(&out.stderr));
    let rose = said.split("rose-by=").nth(1).unwrap_or_else(|| panic!("{said}"));
    rose.split_whitespace().next().unwrap().parse().unwrap()
}

/// Text repeated up to a length.
fn full(start: &str, piece: &str, length: usize) -> Vec<u8> {
    let mut out = start.as_bytes().to_vec();
    out.extend(piece.bytes().cycle().take(length.saturating_sub(start.len())));
    out
}

/// Tells of each input that takes more than the fence.
fn beyond(kind: &str, inputs: &[(&str, Vec<u8>)]) -> Vec<String> {
    let mut beyond = Vec::new();
    for (name, bytes) in inputs {
        let rose = rises(kind, bytes);
        eprintln!("{kind} {name}: {} KiB read, {rose} KiB taken", bytes.len() / 1024);
        if rose > FENCE_KIB {
            beyond.push(format!("{kind} {name}: {rose} KiB"));
        }
    }
    beyond
}

/// B1: a mail from anybody, as large as what is read of one.
#[test]
fn no_mail_takes_more_room_than_there_is() {
    let mixed = "From: a@x.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n";
    let nested: String = (0..45)
        .map(|n| {
            format!(
                "Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\nContent-Type: message/rfc822\r\n\r\n"
            )
        })
        .collect();
    let inputs: Vec<(&str, Vec<u8>)> = [
        ("recipients", "From: a@x.example\r\nTo: a", ",a"),
        ("named recipients", "From: a@x.example\r\nTo: a", ",=?utf-8?Q?=C3=A9?=<a@b>"),
        ("groups", "From: a@x.example\r\nTo: a", ":;,"),
        ("parameters", "From: a@x.example\r\nContent-Type: text/plain", ";a=b"),
        ("split parameters", "From: a@x.example\r\nContent-Type: text/plain", ";a*1*=utf-8''b"),
        ("references", "From: a@x.example\r\nReferences: ", "<a@b> "),
        ("words", "From: a@x.example\r\nSubject: ", "=?utf-8?Q?=C3=A9?= "),
        ("received", "From: a@x.example\r\n", "Received: from a by b for c; 1\r\n"),
        ("empty headers", "From: a@x.example\r\n", "A:\r\n"),
        ("parts", mixed, "--b\r\n\r\nx\r\n"),
        ("parts without an end", mixed, "--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"),
        ("mails in mails", &nested, "x"),
        ("html", "From: a@x.example\r\nContent-Type: text/html\r\n\r\n", "<b><table><tr><td>"),
        ("quoted", "From: a@x.example\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n", "=C3=A9=\r\n"),
        ("base64", "From: a@x.example\r\nContent-Transfer-Encoding: base64\r\nContent-Type: text/html\r\n\r\n", "PGI+"),
        ("utf-7", "From: a@x.example\r\nContent-Type: text/plain; charset=utf-7\r\n\r\n", "+AGE-"),
        ("utf-16", "From: a@x.example\r\nContent-Type: text/plain; charset=utf-16le\r\n\r\n", "\u{4}A"),
        ("statuses", "From: a@x.example\r\nContent-Type: message/delivery-status\r\n\r\n", "Action: failed\r\n\r\n"),
    ]
    .map(|(name, start, piece)| (name, full(start, piece, MAX_MAIL as usize)))
    .into();
    assert_eq!(beyond("mail", &inputs), Vec::<String>::new());
}

/// B4: a document as large as what is fetched.
#[test]
fn no_page_feed_or_answer_takes_more_room_than_there_is() {
    let length = usize::try_from(settings::MAX_BODY_MIB).unwrap() * 1024 * 1024;
    let rss = "<rss version='2.0'><channel><title>t</title>";
    let atom = "<feed xmlns='http://www.w3.org/2005/Atom'><title>t</title><id>f</id>";
    let json = "{\"version\":\"https://jsonfeed.org/version/1.1\",\"title\":\"t\",\"items\":[";
    let feeds = [
        ("empty items", rss, "<item/>"),
        ("items", rss, "<item><title>a</title></item>"),
        (
            "long items",
            rss,
            "<item><title>Nettoyage</title><description>Lot 1, lot 2, le 12/01/2027 à 12h00.</description>",
        ),
        ("categories", &format!("{rss}<item>"), "<category>a</category>"),
        (
            "media",
            &format!("{rss}<item>"),
            "<media:content xmlns:media='http://search.yahoo.com/mrss/' url='http://a/'/>",
        ),
        ("entries", atom, "<entry/>"),
        ("links", &format!("{atom}<entry>"), "<link href='a'/>"),
        ("attributes", &format!("{rss}<item "), "a='b' "),
        ("text", &format!("{rss}<item><title>"), "Nettoyage "),
        ("references", &format!("{rss}<item><title>"), "&amp;#38;&#146;&"),
        ("cdata", &format!("{rss}<item><description><![CDATA["), "<b><table><tr><td>"),
        ("wide", "\u{feff}<rss", "é"),
        ("json items", json, "{},"),
        ("json tags", &format!("{json}{{\"id\":\"1\",\"tags\":["), "\"\","),
        ("json depth", json, "[["),
        ("json text", &format!("{json}{{\"id\":\"1\",\"content_html\":\""), "<b>é"),
    ];
    let pages = [
        ("tables", "<table>", "<tr><td colspan=99999999999999999999><table>"),
        ("items", "<ul>", "<li><a href=/1>Un</a>"),
        ("items in items", "", "<div><a href=/1>Un</a>"),
        ("attributes", "<li ", "a=b "),
        ("words", "<p>", "mot "),
        ("references", "<p>", "&nGt;&"),
        ("comments", "<p>", "<!--a-->"),
        ("json", "[", "0,"),
    ];
    let answers = [
        ("values", "{\"results\":[", "0,"),
        ("objects", "{\"results\":[", "{\"a\":{}},"),
        ("keys", "{\"results\":[{", "\"a\":1,"),
        ("text", "{\"results\":[{\"idweb\":\"26-1\",\"donnees\":\"", "{\\\"a\\\":[],"),
    ];
    let of = |inputs: &[(&str, &str, &str)]| -> Vec<(String, Vec<u8>)> {
        inputs.iter().map(|(name, start, piece)| ((*name).to_owned(), full(start, piece, length))).collect()
    };
    let mut found = Vec::new();
    for (kind, inputs) in
        [("feed", of(&feeds)), ("portal", of(&pages)), ("boamp", of(&answers)), ("decp", of(&answers))]
    {
        let inputs: Vec<(&str, Vec<u8>)> = inputs.iter().map(|(n, b)| (n.as_str(), b.clone())).collect();
        found.extend(beyond(kind, &inputs));
    }
    assert_eq!(found, Vec::<String>::new());
}
