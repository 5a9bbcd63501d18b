use super::*;

#[test]
fn a_version_that_was_cut_is_part_of_the_whole() {
    let notice = |title: &str, text: &str| {
        let mut notice = Notice::new("a", "1", NoticeKind::Call);
        notice.title = title.into();
        notice.passages.push(Passage { field: "entry".into(), lot: None, text: text.into() });
        notice
    };
    let whole = notice("Linge", "Marché réservé.\nOffres avant le 15/01/2027. Lot unique.");
    for text in ["Marché réservé.", "Marché  réservé. Offres avant le 15/01/2027.", "Lot unique.", ""] {
        assert!(notice("Linge", text).is_part_of(&whole), "{text}");
    }
    for (title, text) in [
        ("Linge", "Marché réservé.\nOffres avant le 15/01/2027. Lot unique."),
        ("Linge", "Marché ouvert."),
        ("Linge", "Marché réservé. Offres avant le 22/01/2027."),
        ("Linge (annulé)", "Marché réservé."),
    ] {
        assert!(!notice(title, text).is_part_of(&whole), "{title} {text}");
    }
}

#[test]
fn lot_numbers_are_spelled_one_way() {
    for (given, kept) in
        [("LOT-0003", "3"), ("Lot n° 3", "3"), ("03", "3"), ("10", "10"), ("2A", "2A"), ("0", "0"), ("A", "a")]
    {
        assert_eq!(Lot::clean_id(given).to_lowercase(), kept.to_lowercase(), "{given}");
    }
}

#[test]
fn publication_numbers_are_spelled_one_way() {
    for given in ["00123456-2024", "123456-2024", "2024/S 012-123456"] {
        assert_eq!(Links::clean_publication(given).as_deref(), Some("123456-2024"), "{given}");
    }
    assert_eq!(Links::clean_publication("2024"), None);
}

/// B4: what is judged has a length that judging can afford.
#[test]
fn what_is_longer_than_any_notice_is_cut_between_characters() {
    let mut notice = Notice::new("s", "1", NoticeKind::Call);
    notice.title = "é".repeat(9);
    notice.passages =
        ["aaaa", "éé", "bbbb", ""].map(|text| Passage { field: "x".into(), lot: None, text: text.into() }).into();
    let as_it_was = notice.clone();
    assert!(!notice.cut_texts(18, 12) && notice == as_it_was);
    assert!(notice.cut_texts(9, 7));
    let texts: Vec<&str> = notice.passages.iter().map(|p| p.text.as_str()).collect();
    assert_eq!((notice.title.as_str(), texts), ("éééé", vec!["aaaa", "é", "b"]));
}

#[test]
fn a_siren_is_kept_and_a_phone_number_is_not_taken_for_one() {
    assert_eq!(Buyer::clean_siret("217 000 156").as_deref(), Some("217000156"));
    assert_eq!(Buyer::clean_siret("0372740681"), None);
    // A18: La Poste, as people write it.
    for written in ["356 000 000 09075", "356\u{a0}000\u{202f}000\u{a0}09075", "356.000.000.09075"] {
        assert_eq!(Buyer::written(written), "35600000009075");
    }
    assert_eq!(Buyer::written(" Ville de Lens "), "Ville de Lens");
}

#[test]
fn a_mistyped_siret_is_known_by_its_key() {
    for right in ["73282932000074", "21590350100017", "35600000009075", "732829320", "356000000", "215903501"] {
        assert!(Buyer::has_key(right), "{right}");
    }
    for wrong in ["73282932000075", "73282932000047", "732829320000", "", "7328293200007é", "732829302", "356000001"] {
        assert!(!Buyer::has_key(wrong), "{wrong}");
    }
}
