use super::*;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream};

/// A server that is played by hand, on the other end of a pipe.
struct Played {
    /// What it has: number, size, bytes.
    mails: Vec<(u32, u32, Option<&'static str>)>,
    /// What it says instead to commands that hold these words.
    instead: Vec<(&'static str, Vec<u8>)>,
    /// It hangs up at a command that holds this.
    hangs_up: &'static str,
}

impl Played {
    async fn serve(self, pipe: DuplexStream) {
        let (reader, mut writer) = tokio::io::split(pipe);
        let mut lines = BufReader::new(reader).lines();
        let mut answer = b"* OK ready\r\n".to_vec();
        loop {
            if writer.write_all(&answer).await.is_err() {
                return;
            }
            let Ok(Some(line)) = lines.next_line().await else { return };
            if !self.hangs_up.is_empty() && line.contains(self.hangs_up) {
                return;
            }
            let tag = line.split(' ').next().unwrap_or_default();
            answer = match self.instead.iter().find(|(words, _)| line.contains(words)) {
                Some((_, said)) => said.clone(),
                None => self.answer(&line).into_bytes(),
            };
            answer.extend(format!("{tag} OK done\r\n").bytes());
        }
    }

    fn answer(&self, line: &str) -> String {
        if line.contains("EXAMINE") {
            return "* 3 EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\n".to_owned();
        }
        if line.contains("SEARCH") {
            let uids: Vec<String> = self.mails.iter().map(|(uid, ..)| uid.to_string()).collect();
            return format!("* SEARCH {}\r\n", uids.join(" "));
        }
        let asked = line.split_whitespace().nth(3).unwrap_or_default();
        let asked: Vec<&str> = asked.split(',').collect();
        let mut out = String::new();
        for (n, (uid, size, bytes)) in self.mails.iter().enumerate() {
            let n = n + 1;
            if !line.contains("FETCH") || !asked.contains(&uid.to_string().as_str()) {
                continue;
            }
            if line.contains("RFC822.SIZE") {
                out.push_str(&format!("* {n} FETCH (UID {uid} RFC822.SIZE {size})\r\n"));
            } else if let Some(bytes) = bytes {
                out.push_str(&format!("* {n} FETCH (UID {uid} BODY[]<0> {{{}}}\r\n{bytes})\r\n", bytes.len()));
            }
        }
        out
    }

    /// What we read of it after mail 1.
    async fn read(self) -> Result<Batch, MailboxError> {
        let account = account();
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let server = tokio::spawn(self.serve(theirs));
        let read = async {
            let mut client = Client::new(Framed::new(ours, LIMITS));
            account.greeting(&mut client).await?;
            let mut session = account.log_in(client).await?;
            account.read(&mut session, Cursor { validity: 7, last: 1 }, 7, Utc::now()).await
        };
        let read = read.await;
        server.abort();
        read
    }
}

fn account() -> Account {
    Account {
        host: "imap.example".into(),
        port: 993,
        tls: Tls::Implicit,
        ca_file: None,
        username: "veille".into(),
        password: toml::from_str::<Holder>("password = { env = 'PATH' }").unwrap().password,
        folder: "INBOX".into(),
    }
}

#[derive(Deserialize)]
struct Holder {
    password: Secret,
}

fn played(mails: &[(u32, u32, Option<&'static str>)]) -> Played {
    Played { mails: mails.to_vec(), instead: Vec::new(), hangs_up: "" }
}

fn numbers(batch: &Batch) -> Vec<(u32, bool)> {
    batch.mails.iter().map(|m| (m.uid, m.bytes.is_empty())).collect()
}

#[tokio::test]
async fn a_mail_that_the_server_holds_and_does_not_give_is_said_and_its_neighbours_are_read() {
    let mails = [(2, 10, Some("Subject: a\r\n\r\nx")), (3, 10, None), (4, 10, Some("Subject: b\r\n\r\nx"))];
    let batch = played(&mails).read().await.unwrap();
    assert_eq!((numbers(&batch), batch.cursor.last), (vec![(2, false), (3, true), (4, false)], 4));
    // One that is gone between two answers is no fault.
    let gone = Played {
        instead: vec![("UID FETCH 2,3 ", b"* 1 FETCH (UID 2 RFC822.SIZE 9)\r\n".to_vec())],
        ..played(&mails[..2])
    };
    let batch = gone.read().await.unwrap();
    assert_eq!((numbers(&batch), batch.cursor.last), (vec![(2, false)], 3));
}

/// A connection that ends costs no mail: what was read counts, and what was not is asked for again.
#[tokio::test]
async fn a_connection_that_ends_passes_over_nothing() {
    let mails = [(2, 10, Some("Subject: a\r\n\r\nx")), (3, 10, Some("Subject: b\r\n\r\nx")), (4, 10, None)];
    for (hangs_up, seen) in [("UID FETCH 3 ", Some((vec![(2, false)], 2))), ("UID FETCH 2 ", None), ("SIZE", None)] {
        let read = Played { hangs_up, ..played(&mails) }.read().await;
        assert_eq!(read.ok().map(|b| (numbers(&b), b.cursor.last)), seen, "{hangs_up}");
    }
    let many: Vec<_> = (2..40).map(|uid| (uid, MAX_MAIL, Some("Subject: a\r\n\r\nx"))).collect();
    let batch = played(&many).read().await.unwrap();
    assert_eq!((batch.mails.len(), batch.cursor.last, batch.more), (4, 5, true), "mails are held a few at a time");
}

/// What a server sends is bounded, and so is what is told of it.
#[tokio::test]
async fn a_server_that_sends_without_end_is_left() {
    let one = [(2, 10, Some("Subject: a\r\n\r\nx"))];
    let endless = |start: &str, piece: &str| {
        let mut said = start.as_bytes().to_vec();
        said.extend(piece.repeat(2 * LIMITS.whole / piece.len()).bytes());
        said
    };
    for (at, said) in [
        ("BODY", endless("* 1 FETCH (UID 2 BODY[]<0> {4294967295}\r\n", "x")),
        ("BODY", endless("* 1 FETCH (UID 2 BODY[]<0> {500000000}\r\n", "x")),
        ("BODY", endless("* OK ", "x")),
        ("SEARCH", endless("* SEARCH", " 4294967295")),
        ("SIZE", endless("", "* 1 FETCH (UID 2 RFC822.SIZE 9)\r\n")),
        ("BODY", endless("* 1 FETCH \u{1}(((", "{}")),
        ("EXAMINE", endless("* OK [X ", "]")),
    ] {
        let refused = Played { instead: vec![(at, said)], ..played(&one) }.read().await.unwrap_err().to_string();
        assert!(refused.chars().count() < 300 && !refused.contains('\n'), "{at}: {refused}");
    }
}

/// A14: folders have French names.
#[test]
fn folders_are_named_as_imap_writes_them() {
    for (name, written) in [
        ("INBOX", "INBOX"),
        ("Alertes marchés", "Alertes march&AOk-s"),
        ("Éléments envoyés", "&AMk-l&AOk-ments envoy&AOk-s"),
        ("R&D", "R&-D"),
        ("日本", "&ZeVnLA-"),
        ("a😀b", "a&2D3eAA-b"),
        ("march&AOk-s", "march&AOk-s"),
    ] {
        assert_eq!(mailbox_name(name), written, "{name}");
    }
}
