//! What no notice can meet is refused with its words, whatever door it came by.

use vigie_domain::Filter;

#[test]
fn what_can_never_be_met_is_a_fault_and_what_can_is_none() {
    let fault = |change: fn(&mut Filter)| {
        let mut filter = Filter::default();
        change(&mut filter);
        filter.faults().join(" ; ")
    };
    for (change, said) in [
        ((|f| f.min_amount = Some(f64::INFINITY)) as fn(&mut Filter), "montant"),
        (|f| f.max_amount = Some(f64::NAN), "montant"),
        (|f| f.min_amount = Some(-1.0), "montant"),
        (|f| f.min_amount = Some(1e300), "montant"),
        (|f| f.min_lead_days = Some(99_999_999_999), "jours restants"),
        (|f| f.min_lead_days = Some(-1), "jours restants"),
        (|f| f.cpv = vec!["00000000".to_owned()], "CPV"),
        (|f| f.cpv = vec!["90".to_owned(), "00".to_owned()], "CPV"),
    ] {
        assert!(fault(change).contains(said), "{said}: {}", fault(change));
    }
    for change in [
        (|f| f.min_amount = Some(0.0)) as fn(&mut Filter),
        |f| f.max_amount = Some(90_000_000.0),
        |f| f.min_lead_days = Some(0),
        |f| f.min_lead_days = Some(365),
        |f| f.cpv = vec!["03".to_owned(), "90919200".to_owned()],
    ] {
        assert_eq!(fault(change), "");
    }
}
