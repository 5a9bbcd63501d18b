//! Addresses beyond ASCII: a domain travels as its A-labels (RFC 5891 §4.4), which every server takes; a local part only where the
//! server says that it takes such (SMTPUTF8, RFC 6531 §3.2).

use lettre::Address;
use url::Host;

/// The address with its domain as A-labels; as it is where that is no domain.
pub(super) fn with_ascii_domain(address: &Address) -> Address {
    match Host::parse(address.domain()) {
        Ok(Host::Domain(domain)) => Address::new(address.user(), domain).unwrap_or_else(|_| address.clone()),
        _ => address.clone(),
    }
}

/// Whether it may be handed only to a server that takes letters beyond ASCII.
pub(super) fn needs_smtputf8(address: &Address) -> bool {
    !address.user().is_ascii()
}

/// Whether two addresses are the same mailbox, however their domain and their case are written.
#[must_use]
pub fn is_same(one: &str, other: &str) -> bool {
    let written = |text: &str| {
        let parsed: Option<Address> = text.trim().parse().ok();
        parsed.map_or_else(|| text.trim().to_lowercase(), |a| with_ascii_domain(&a).to_string().to_lowercase())
    };
    one.eq_ignore_ascii_case(other) || written(one) == written(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_travels_in_ascii_and_a_local_part_as_it_is() {
        for (written, travels, utf8) in [
            ("jeanne@société.fr", "jeanne@xn--socit-esab.fr", false),
            ("jeanne@SOCIÉTÉ.fr", "jeanne@xn--socit-esab.fr", false),
            ("jéanne@exemple.fr", "jéanne@exemple.fr", true),
            ("jéanne@société.fr", "jéanne@xn--socit-esab.fr", true),
            ("Jeanne.Untel+vigie@exemple.fr", "Jeanne.Untel+vigie@exemple.fr", false),
            ("jeanne@xn--socit-esab.fr", "jeanne@xn--socit-esab.fr", false),
            ("jeanne@[127.0.0.1]", "jeanne@[127.0.0.1]", false),
        ] {
            let address = with_ascii_domain(&written.parse().unwrap());
            assert_eq!((address.to_string().as_str(), needs_smtputf8(&address)), (travels, utf8), "{written}");
            assert!(is_same(written, travels), "{written}");
        }
        assert!(!is_same("jeanne@société.fr", "jeanne@societe.fr") && !is_same("jéanne@x.fr", "jeanne@x.fr"));
    }
}
