//! What the receiving server says of who wrote a mail (RFC 8601). Pure.
//!
//! Only the topmost header counts, the one that our own server put there last: anybody may write others below it. It is read by
//! the grammar (quotes and comments are no results), under our server's name, and its DMARC result must speak of the domain
//! that the mail says it comes from (RFC 7489 §3.1).

/// A piece of a header: words, or a sign that parts them.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Word(String),
    Sign(char),
}

/// Longest header read.
const MAX_LENGTH: usize = 8 * 1024;

/// The pieces of a header; comments are left out, a quoted string is one word. `None` when a quote or comment never ends.
fn pieces(text: &str) -> Option<Vec<Piece>> {
    let mut out = Vec::new();
    let mut word = String::new();
    let mut quoted = false;
    let mut depth = 0usize;
    let mut signs = text.chars();
    while let Some(c) = signs.next() {
        match c {
            '\\' if quoted || depth > 0 => {
                let next = signs.next()?;
                if quoted {
                    word.push(next);
                }
            }
            '"' if depth == 0 => {
                quoted = !quoted;
                if !quoted {
                    out.push(Piece::Word(std::mem::take(&mut word)));
                }
            }
            _ if quoted => word.push(c),
            '(' => depth += 1,
            ')' if depth > 0 => depth -= 1,
            _ if depth > 0 => {}
            c if c.is_whitespace() || matches!(c, ';' | '=') => {
                if !word.is_empty() {
                    out.push(Piece::Word(std::mem::take(&mut word)));
                }
                if !c.is_whitespace() {
                    out.push(Piece::Sign(c));
                }
            }
            c => word.push(c),
        }
    }
    if quoted || depth > 0 {
        return None;
    }
    if !word.is_empty() {
        out.push(Piece::Word(word));
    }
    Some(out)
}

fn word(piece: Option<&Piece>) -> Option<&str> {
    match piece {
        Some(Piece::Word(word)) => Some(word),
        _ => None,
    }
}

/// Whether a header of this server says that DMARC passed for the domain of `from`.
pub(super) fn is_aligned(header: &str, server: &str, from: &str) -> bool {
    let Some(pieces) = Some(header).filter(|h| h.len() <= MAX_LENGTH).and_then(pieces) else { return false };
    let parts: Vec<&[Piece]> = pieces.split(|p| *p == Piece::Sign(';')).collect();
    let Some((name, results)) = parts.split_first() else { return false };
    // The name, and a version that may follow it.
    if name.len() > 2 || !word(name.first()).is_some_and(|n| n.eq_ignore_ascii_case(server)) {
        return false;
    }
    let Some((_, domain)) = from.rsplit_once('@') else { return false };
    let dmarc: Vec<&&[Piece]> =
        results.iter().filter(|r| word(r.first()).is_some_and(|m| m.eq_ignore_ascii_case("dmarc"))).collect();
    !dmarc.is_empty() && dmarc.iter().all(|result| passes(result, domain))
}

/// `dmarc=pass … header.from=domain`.
fn passes(result: &[Piece], domain: &str) -> bool {
    let value = |key: &str| {
        let at = result
            .windows(2)
            .position(|w| word(w.first()).is_some_and(|k| k.eq_ignore_ascii_case(key)) && w[1] == Piece::Sign('='))?;
        word(result.get(at + 2))
    };
    value("dmarc").is_some_and(|v| v.eq_ignore_ascii_case("pass"))
        && value("header.from").is_some_and(|d| {
            let said = d.rsplit('@').next().unwrap_or_default();
            said.eq_ignore_ascii_case(domain)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(header: &str) -> bool {
        is_aligned(header, "mx.vigie.example", "jeanne@x.example")
    }

    /// B5: our server's name, its grammar, the domain that the mail comes from.
    #[test]
    fn a_pass_counts_under_our_server_s_name_for_the_domain_that_wrote() {
        for header in [
            "mx.vigie.example; dmarc=pass header.from=x.example",
            "mx.vigie.example 1; spf=pass smtp.mailfrom=y.example; DMARC = PASS (p=reject dis=none) header.from=X.example",
            "MX.vigie.example (our server); dmarc=pass policy.x=\"a;b\" header.from=x.example",
            "mx.vigie.example; dmarc=pass header.from=\"jeanne@x.example\"",
        ] {
            assert!(says(header), "{header}");
        }
        for header in [
            "mx.vigie.example; dmarc=fail header.from=x.example",
            "mx.evil.example; dmarc=pass header.from=x.example",
            "mx.vigie.example.evil.example; dmarc=pass header.from=x.example",
            "mx.vigie.example; dmarc=pass header.from=evil.example",
            "mx.vigie.example; dmarc=pass",
            "mx.vigie.example; spf=pass reason=\"; dmarc=pass header.from=x.example\"",
            "mx.vigie.example; spf=fail (; dmarc=pass header.from=x.example)",
            "mx.vigie.example; dkim=pass header.i=\"dmarc=pass\"",
            "mx.vigie.example; dmarc=pass header.from=x.example; dmarc=fail header.from=x.example",
            "mx.vigie.example; dmarc=pass header.from=x.example (",
            "mx.vigie.example; dmarc=passed header.from=x.example",
            "evil mx.vigie.example; dmarc=pass header.from=x.example",
            "mx.vigie.example; xdmarc=pass header.from=x.example",
            "mx.vigie.example; none",
            "",
        ] {
            assert!(!says(header), "{header}");
        }
    }
}
