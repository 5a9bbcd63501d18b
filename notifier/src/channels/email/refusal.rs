//! What a refusal says of the address: nothing, or that it does not exist. One table for what a server answers at once and for
//! what comes back in a report.
//!
//! Only codes that speak of the mailbox itself count (RFC 3463, RFC 7505): everything else (policy, reputation, a full mailbox,
//! a message too large, a block list) says something of the moment, the message or the sender. A code that says nothing (x.0.0,
//! x.y.0) or none at all leaves the words to decide.

use std::sync::LazyLock;

use regex::Regex;

/// Whether a server refuses since it does not know who we are: it wants an account, or relays for nobody else.
pub(super) fn asks_for_an_account(words: &str) -> bool {
    let words = words.to_lowercase();
    words.starts_with("530") || ["authent", "relay", "5.7.0 must"].iter().any(|w| words.contains(w))
}

/// Codes of a mailbox or domain that does not exist, or takes mail no more.
const NO_SUCH_MAILBOX: &[(&str, &str)] = &[("1", "1"), ("1", "2"), ("1", "3"), ("1", "6"), ("1", "10"), ("2", "1")];

macro_rules! expression {
    ($name:ident, $text:expr) => {
        static $name: LazyLock<Regex> = LazyLock::new(|| {
            #[allow(clippy::expect_used, reason = "the expression is a constant; each is exercised by tests")]
            Regex::new($text).expect("a constant expression compiles")
        });
    };
}

// An enhanced code, and no part of an address or a version number.
expression!(CODE, r"(?:^|[^\d.\w])(?P<class>[245])\.(?P<subject>\d{1,3})\.(?P<detail>\d{1,3})(?:[^\d.\w]|\.?$|\.\s)");
expression!(
    UNKNOWN_USER,
    r"(?i)\b(?:user|recipient|mailbox|account|address|destinataire|utilisateur|adresse|bo[iî]te|compte)\b[^.;\n]{0,60}?\b(?:unknown|not (?:found|exist)|does(?:n'?t| not) exist|n['’]existe (?:pas|plus)|inconnue?|no longer (?:exists?|valid|available)|invalid|(?:has been )?(?:disabled|deactivated|désactivée?)|not known)\b|\b(?:unknown|no such|invalid|inexistante?|inconnue?) (?:local )?(?:user|recipient|mailbox|account|address|destinataire|utilisateur)\b|\bno mailbox\b"
);
expression!(
    ANOTHER_REASON,
    r"(?i)spam|black ?list|block ?list|bloqu|blocked|\brbl\b|spamhaus|reputation|réputation|policy|politique|quota|full|pleine?\b|greylist|graylist|too (?:large|many)|trop|rate|sender|expéditeur|expediteur|spf|dkim|dmarc|authenti|relay|\bofr_|mail rejete|rejected due|content|virus"
);

// A server that looks up our own address and does not find it says nothing of the recipient.
expression!(
    ABOUT_SENDER,
    r"(?i)call-?(?:out|back)|sender (?:address )?(?:verif|reject|unknown)|verify (?:the )?sender|return-?path|mail from"
);

/// An enhanced status code of a text, where it holds one.
fn code(text: &str) -> Option<(String, String, String)> {
    let found = CODE.captures(text)?;
    Some((found["class"].to_owned(), found["subject"].to_owned(), found["detail"].to_owned()))
}

/// Whether a server says that no message will ever arrive at this address. `status` is the enhanced code of a report, or empty;
/// `words` what the server said, its codes included.
#[must_use]
pub fn says_no_mailbox(status: &str, words: &str) -> bool {
    if ABOUT_SENDER.is_match(words) {
        return false;
    }
    // What a relay sums up says less than what the last server said; a sum without a detail says nothing.
    let tells = |(_, subject, detail): &(String, String, String)| subject != "0" && detail != "0";
    let given = [code(status), code(words)].into_iter().flatten();
    let (telling, mute): (Vec<_>, Vec<_>) = given.partition(tells);
    let permanent = |(class, ..): &(String, String, String)| class == "5";
    if !telling.is_empty() {
        let names = |c: &(String, String, String)| NO_SUCH_MAILBOX.contains(&(c.1.as_str(), c.2.as_str()));
        // Two codes that disagree are no certainty.
        return telling.iter().all(|c| permanent(c) && names(c)) && !ANOTHER_REASON.is_match(&without_user(words));
    }
    let temporary = mute.iter().any(|c| !permanent(c)) || words.trim_start().starts_with('4');
    !temporary && UNKNOWN_USER.is_match(words) && !ANOTHER_REASON.is_match(words)
}

/// The words without those of an unknown user, which may hold one of another reason (« rejected: user unknown »).
fn without_user(words: &str) -> String {
    if UNKNOWN_USER.is_match(words) { String::new() } else { words.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A4: what speaks of the mailbox, and nothing else, ends it.
    #[test]
    fn only_a_mailbox_that_does_not_exist_is_refused_for_good() {
        for (status, words) in [
            ("5.1.1", "550 5.1.1 no such user"),
            ("5.1.1", ""),
            ("5.1.2", "550 5.1.2 bad destination system"),
            ("5.1.3", ""),
            ("5.1.6", "551 5.1.6 mailbox has moved"),
            ("5.1.10", "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found"),
            ("5.2.1", "550 5.2.1 The email account that you tried to reach is disabled"),
            ("5.0.0", "550 5.1.1 <a@x.example>: Recipient address rejected: User unknown in virtual mailbox table"),
            ("5.0.0", "550 unknown user"),
            ("", "550 No such user here"),
            ("", "550 L'adresse demandée n'existe pas"),
            ("", "550 5.1.1 Adresse d au moins un destinataire invalide"),
            ("5.1.0", "550 Mailbox does not exist"),
            ("", "551 user not found"),
        ] {
            assert!(says_no_mailbox(status, words), "{status} {words}");
        }
        for (status, words) in [
            ("5.0.0", "550 5.7.1 Spam"),
            ("5.2.2", "552 5.2.2 Over quota"),
            ("", "550 5.2.0 Mail rejete. Mail rejected. ofr_506 [506]"),
            ("", "550 5.1.0 sender rejected"),
            ("", "550 Your IP is blocked"),
            ("5.0.0", ""),
            ("5.1.0", "550 5.1.0 Address rejected"),
            ("5.1.1", "550 5.7.1 blocked by policy"),
            ("5.1.8", "553 5.1.8 Sender address rejected: Domain not found"),
            ("5.4.1", "550 5.4.1 Recipient address rejected: Access denied"),
            ("4.1.1", "450 4.1.1 user unknown"),
            ("4.4.7", "expired"),
            ("5.7.1", "550 5.7.1 user unknown"),
            ("5.7.26", "550-5.7.26 unauthenticated email is not accepted"),
            ("5.3.4", "message too large"),
            ("", "554 rejected due to spam content"),
            ("", "421 too many connections"),
            ("", "550 relay not permitted for unknown user"),
            ("", "550 5.2.1 rate limited"),
            ("", "version 5.1.1.2 of the filter rejects this"),
            ("5.1.1", "550 5.1.1 sender verify failed: alertes@vigie.example: user unknown"),
            ("5.1.1", "550 5.1.1 Callout verification failed: unknown user"),
        ] {
            assert!(!says_no_mailbox(status, words), "{status} {words}");
        }
    }
}
