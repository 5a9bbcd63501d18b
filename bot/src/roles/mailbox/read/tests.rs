use super::*;
use secrecy::SecretString;

const DELIVERY: &str = "0123456789abcdef01234567";

fn email() -> Email {
    let block = toml::from_str("host = 'localhost'\nfrom = 'Vigie <vigie@vigie.example>'").unwrap();
    let key = SecretString::from("une clef de seize octets");
    Email::new(&block, None).unwrap().with_return_path("retours+*@vigie.example", &key, true).unwrap()
}

fn to() -> String {
    email().return_path().unwrap().of(DELIVERY)
}

fn look(mail: &str) -> Mail {
    read(mail.replace('\n', "\r\n").as_bytes(), &email())
}

fn report_of(fields: &str) -> Mail {
    look(&format!(
        "From: MAILER-DAEMON@mx.example\nTo: {}\nSubject: Undelivered\nMIME-Version: 1.0\nAuto-Submitted: auto-replied\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\nContent-Type: text/plain\n\nDesole.\n\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\n{fields}\n\n--b--\n",
        to()
    ))
}

#[test]
fn reports_are_hard_soft_or_nothing_to_do() {
    for (fields, verdict) in [
        (
            "Final-Recipient: rfc822; a@x.example\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 no such\n user a@x.example",
            Verdict::Hard,
        ),
        ("Final-Recipient: rfc822; a@x.example\nAction: Failed\nStatus: 5.2.2", Verdict::Soft),
        ("Final-Recipient: rfc822; a@x.example\nAction: failed\nStatus: 5.7.1 (policy)", Verdict::Soft),
        ("Final-Recipient: rfc822; a@x.example\nAction: failed\nStatus: 4.4.7", Verdict::Soft),
        (
            "Final-Recipient: rfc822; a@x.example\nAction: failed\nDiagnostic-Code: smtp; 550 unknown user",
            Verdict::Hard,
        ),
        ("Final-Recipient: rfc822; a@x.example\nAction: delayed\nStatus: 4.4.1", Verdict::Fine),
        ("Final-Recipient: rfc822; a@x.example\nAction: relayed\nStatus: 2.0.0", Verdict::Fine),
    ] {
        let Mail::Report(report) = report_of(fields) else { panic!("{fields}") };
        assert_eq!((report.verdict, report.proven), (verdict, true), "{fields}");
        assert_eq!((report.delivery.as_str(), report.recipients[0].as_str()), (DELIVERY, "a@x.example"));
        assert!(!report.words.contains('@'), "{}", report.words);
    }
    assert!(matches!(report_of("Rien: ici"), Mail::Unreadable(_)));
}

#[test]
fn a_report_that_is_no_report_and_one_that_gives_our_message_back_are_read() {
    let plain = look(&format!(
        "From: Mail Delivery System <MAILER-DAEMON@old.example>\nTo: {}\nSubject: failure notice\n\nHi. This is qmail.\n<a@x.example>:\nRemote host said: 550 5.1.1 no mailbox here\n",
        to()
    ));
    assert!(matches!(&plain, Mail::Report(r) if r.verdict == Verdict::Hard && r.proven), "{plain:?}");
    let back = look(&format!(
        "From: postmaster@x.example\nTo: vigie@vigie.example\nMIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\nFinal-Recipient: rfc822;a@x.example\nAction: failed\nStatus: 5.1.1\n\n--b\nContent-Type: text/rfc822-headers\n\nMessage-ID: <{DELIVERY}@vigie.example>\nSubject: x\n\n--b--\n"
    ));
    assert!(matches!(&back, Mail::Report(r) if !r.proven && r.delivery == DELIVERY), "{back:?}");
}

/// Found by the fuzzer: whoever had a message of ours could have its reader's address suspended by a report that names nobody.
#[test]
fn an_unproven_report_that_names_nobody_counts_for_nobody() {
    let of = |fields: &str, to: &str| {
        look(&format!(
            "Return-Path: <>\nFrom: MAILER-DAEMON@x.example\nTo: {to}\nMIME-Version: 1.0\nContent-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\n{fields}\n\n--b\nContent-Type: text/rfc822-headers\n\nMessage-ID: <{DELIVERY}@vigie.example>\n\n--b--\n"
        ))
    };
    for fields in [
        "Action: failed\nStatus: 5.1.1",
        "Final-Recipien: rfc822; a@x.example\nAction: failed\nStatus: 5.1.1",
        "Final-Recipient rfc822; a@x.example\n\nAction: failed\nDiagnostic-Code: smtp; 550 5.1.1 unknown user",
    ] {
        assert!(matches!(of(fields, "v@vigie.example"), Mail::Unreadable(_)), "{fields}");
        assert!(matches!(of(fields, &to()), Mail::Report(r) if r.proven), "with our token: {fields}");
    }
}

#[test]
fn what_no_human_wrote_is_automatic() {
    let (to, from) = (to(), "From: Jeanne <jeanne@x.example>");
    for mail in [
        format!("{from}\nTo: {to}\nAuto-Submitted: auto-replied\nSubject: Re: x\n\noui\n"),
        format!("{from}\nTo: {to}\nPrecedence: bulk\nSubject: Re: x\n\noui\n"),
        format!("{from}\nTo: {to}\nSubject: Réponse automatique : x\n\noui\n"),
        format!("From: Vigie <VIGIE@vigie.example>\nTo: {to}\nSubject: x\n\noui\n"),
        format!("{from}\nTo: vigie@vigie.example\nList-Id: <l.example>\nSubject: Fwd: x\n\nx\n"),
        format!("Return-Path: <>\n{from}\nTo: {to}\nSubject: Absence du bureau\n\n550 5.1.1 oui\n"),
    ] {
        assert_eq!(look(&mail), Mail::Automatic, "{mail}");
    }
}

/// Attack: a reader who calls a message unwanted by their provider's button is written to no more; without our token, it is a word
/// of anybody's.
#[test]
fn a_complaint_counts_with_our_token_alone() {
    let arf = |to: &str, about: &str| {
        format!(
            "From: fbl@provider.example\nTo: {to}\nSubject: FW: Nouveau\nMIME-Version: 1.0\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\n\n--b\nContent-Type: text/plain\n\nAn abuse report.\n\n--b\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\nUser-Agent: x/1\nVersion: 1\n\n--b\nContent-Type: message/rfc822\n\nMessage-ID: <{about}@vigie.example>\nSubject: Nouveau\n\nx\n--b--\n"
        )
    };
    assert_eq!(look(&arf(&to(), DELIVERY)), Mail::Complaint(DELIVERY.into()));
    let delivered = format!("abuse@vigie.example\nDelivered-To: {}", to());
    assert_eq!(look(&arf(&delivered, "other")), Mail::Complaint(DELIVERY.into()));
    for forged in ["vigie@vigie.example".to_owned(), to().replace('4', "5")] {
        assert_eq!(look(&arf(&forged, DELIVERY)), Mail::Other, "{forged}");
    }
}

/// What is answered tells what was written, if it is short; a letter is for a person.
#[test]
fn an_answer_keeps_its_own_words_and_subject() {
    for (body, words) in [("Ça dépend du lot\n\n> oui", "Ça dépend du lot"), ("> oui", ""), (&"mot ".repeat(60), "")]
    {
        let mail = format!("From: j@x.example\nTo: {}\nSubject: RE: Nouveau\n\n{body}\n", to());
        let Mail::Reply(reply) = look(&mail) else { panic!("{body}") };
        assert_eq!((reply.words.as_str(), reply.subject.as_str()), (words, "RE: Nouveau"));
    }
}

/// Attack: the same letter through two addresses, or copied into another folder, is answered once; another one is another answer.
#[test]
fn a_letter_is_the_same_whatever_its_way() {
    let of = |before: &str, id: &str, body: &str| {
        let mail = format!("{before}From: j@x.example\nTo: {}\nSubject: Re: x\n{id}\n{body}\n", to());
        let Mail::Reply(reply) = look(&mail) else { panic!("{mail}") };
        super::super::letter(&mail, &reply)
    };
    let id = "Message-ID: <1@x.example>\n";
    let one = of("", id, "Oui");
    for before in ["X-Moved: 1\n", "Received: from a by b\n", "Delivered-To: retours@vigie.example\nX-Spam: no\n"] {
        assert_eq!(of(before, id, "Oui"), one, "{before}");
    }
    for (id, body) in [("Message-ID: <2@x.example>\n", "Oui"), (id, "Non"), ("", "Oui")] {
        assert_ne!(of("", id, body), one, "{id}{body}");
    }
    assert_ne!(of("", "", "Oui"), of("X-A: 1\n", "", "Oui"), "without a name, it is its bytes");
}

#[test]
fn an_answer_is_known_by_its_token_or_by_what_it_refers_to() {
    let word = Answer::Word("Oui".into());
    for (headers, proven) in [
        (format!("To: Vigie <{}>", to()), true),
        (format!("To: vigie@vigie.example\nDelivered-To: {}", to()), true),
        (format!("To: vigie@vigie.example\nIn-Reply-To: <{DELIVERY}@vigie.example>"), false),
        (format!("To: x@y.example\nReferences: <a@b>\n <{DELIVERY}@vigie.example>"), false),
    ] {
        let read = look(&format!("From: Jeanne <Jeanne@X.example>\nSubject: Re: Marché\n{headers}\n\nOui\n\n> non\n"));
        let Mail::Reply(reply) = read else { panic!("{headers}: {read:?}") };
        assert_eq!((reply.delivery.as_str(), reply.proven, &reply.answer), (DELIVERY, proven, &word), "{headers}");
        assert_eq!(reply.from, "jeanne@x.example");
    }
    let forged = to().replace('4', "5");
    assert_eq!(look(&format!("From: j@x.example\nTo: {forged}\nSubject: Re: x\n\nstop\n")), Mail::Other);
}

#[test]
fn what_is_passed_on_is_taken_without_the_rest() {
    let mail = "From: Jeanne Untel <jeanne@x.example>\nTo: vigie@vigie.example\nMessage-ID: <f1@x.example>\nSubject: Tr: Nettoyage de bureaux\n\nÀ voir, mon avis perso.\nJeanne\n\n---------- Forwarded message ---------\nDe : Achats <achats@groupe.example>\nDate: lundi\nÀ : Jeanne Untel <jeanne@x.example>\n\nNous cherchons une entreprise adaptée à Lille.\nhttps://groupe.example/avis\n";
    let Mail::PassedOn(passed) = look(mail) else { panic!() };
    assert!(passed.text.contains("entreprise adaptée") && passed.text.contains("achats@groupe.example"), "{passed:?}");
    assert!(!passed.text.contains("avis perso") && !passed.text.contains("Untel"), "{passed:?}");
    let attached = "From: j@x.example\nTo: v@vigie.example\nSubject: pour info\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nVoir ci-joint\n\n--b\nContent-Type: message/rfc822\n\nFrom: a@b.example\nSubject: Espaces verts\n\nTonte du parc\n\n--b--\n";
    let Mail::PassedOn(passed) = look(attached) else { panic!("{:?}", look(attached)) };
    assert_eq!((passed.subject.as_str(), passed.text.as_str()), ("Espaces verts", "Tonte du parc"));
    assert_eq!(
        look("From: j@x.example\nTo: v@vigie.example\nSubject: Question\n\nBonjour, qui êtes-vous ?\n"),
        Mail::Other
    );
}

/// Attack: the address of what is passed on stands in the HTML alone, of the mail itself or of the one attached.
#[test]
fn the_address_of_what_is_passed_on_is_found_in_its_html() {
    let page =
        "<p>Blanchisserie de l'hopital, reponse le 20/01/2027</p><a href=\"https://hopital.example/73\">dossier</a>";
    let html = format!("Content-Type: text/html; charset=utf-8\n\n{page}\n");
    let head = "From: j@x.example\nTo: v@vigie.example\nMIME-Version: 1.0\n";
    for mail in [
        format!("{head}Subject: Piste : linge\n{html}"),
        format!("{head}Subject: TR: linge\n{html}"),
        format!(
            "{head}Subject: Piste : linge\nContent-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain\n\nBlanchisserie, reponse le 20/01/2027\n--b\n{html}--b--\n"
        ),
        format!(
            "{head}Subject: pour info\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nVoir\n--b\nContent-Type: message/rfc822\n\nSubject: Linge\n{html}--b--\n"
        ),
    ] {
        let Mail::PassedOn(passed) = look(&mail) else { panic!("{mail}: {:?}", look(&mail)) };
        assert!(passed.text.contains("https://hopital.example/73") && passed.text.contains("20/01/2027"), "{passed:?}");
    }
}

#[test]
fn only_the_receiving_server_says_who_is_genuine() {
    let says = |text: &str| is_genuine(&[text.to_owned()], "mx.vigie.example", "j@x.example");
    assert!(says("mx.vigie.example 1; spf=pass smtp.mailfrom=x; dmarc=pass header.from=x.example"));
    assert!(!says("mx.vigie.example; dmarc=fail"));
    assert!(!says("mx.evil.example; dmarc=pass"));
}

/// A3, A4, A23: every report of the corpus (`bot/tests/mail/reports.txt`) is read as its first line says: fields of a
/// delivery status, or a whole mail.
#[test]
fn the_corpus_of_reports_suspends_nobody_who_did_not_earn_it() {
    let corpus = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mail/reports.txt"));
    let (mut read, mut wrong) = (0, Vec::new());
    for case in corpus.split("=== ").filter(|c| !c.is_empty()) {
        let (expected, text) = case.split_once('\n').unwrap();
        let got = match expected.strip_prefix("mail ") {
            Some(_) => look(&text.replace("{to}", &to())),
            None => {
                let fields = text.replace("S: ", "Status: ").replace("D: ", "Diagnostic-Code: ");
                report_of(&format!("Final-Recipient: rfc822; a@x.example\nAction: failed\n{}", fields.trim()))
            }
        };
        let got = match got {
            Mail::Report(r) => format!("{:?}", r.verdict).to_lowercase(),
            other => format!("{other:?}").to_lowercase(),
        };
        if got != expected.trim_start_matches("mail ") {
            wrong.push(format!("{text:?}: {got}, not {expected}"));
        }
        read += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(read >= 60, "{read}");
}

/// A23: what befalls a member of a list, or somebody beyond ASCII.
#[test]
fn a_report_speaks_of_the_recipient_that_failed_and_of_no_other() {
    let list = "Original-Recipient: rfc822; liste@x.example\nFinal-Recipient: rfc822; member@y.example\nAction: failed\nStatus: 5.1.1\n\nFinal-Recipient: rfc822; liste@x.example\nAction: relayed\nStatus: 2.0.0";
    for (fields, recipients) in [
        (list, vec!["member@y.example"]),
        ("Final-Recipient: rfc822; <A@x.example>\nAction: failed\nStatus: 5.1.1", vec!["a@x.example"]),
        ("Original-Recipient: rfc822; a@x.example\nAction: failed\nStatus: 5.1.1", vec!["a@x.example"]),
    ] {
        let Mail::Report(report) = report_of(fields) else { panic!("{fields}") };
        assert_eq!(
            (report.recipients, report.verdict),
            (recipients.iter().map(ToString::to_string).collect(), Verdict::Hard)
        );
    }
    let global = look(&format!(
        "From: mailer-daemon@x.example\nTo: {}\nMIME-Version: 1.0\nContent-Type: multipart/report; report-type=global-delivery-status; boundary=b\n\n--b\nContent-Type: message/global-delivery-status\n\nReporting-MTA: dns; x\n\nFinal-Recipient: utf-8; jos\u{e9}@x.example\nAction: failed\nStatus: 5.1.1\n\n--b--\n",
        to()
    ));
    assert!(
        matches!(&global, Mail::Report(r) if r.verdict == Verdict::Hard && r.recipients == ["jos\u{e9}@x.example"]),
        "{global:?}"
    );
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_read_without_a_crash(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..600)) {
        let _ = read(&bytes, &email());
    }

    #[test]
    fn any_mail_is_read_without_a_crash(headers in "(From|To|Subject|Content-Type|In-Reply-To|Date): [\\x20-\\x7e]{0,60}(\r\n (multipart|message)/(report|rfc822|delivery-status); boundary=b){0,2}\r\n", body in "(--b|\r\n|Status: 5|Content-Type: message/rfc822|\\PC{0,20}){0,30}") {
        let _ = read(format!("{headers}{headers}\r\n\r\n{body}").as_bytes(), &email());
    }
}
