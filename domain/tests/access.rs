//! Who can: by kind of structure, and narrowed to the lots that met.

use vigie_domain::access::{Access, of_lot};
use vigie_domain::assessment::AssessedLot;
use vigie_domain::concerned_lots::narrowed;
use vigie_domain::subscription::{Match, Profile, Role};
use vigie_domain::{Assessment, Beneficiary, Evidence, NoticeKind, Provision, ProvisionKind, StructureKind};

fn call(title: &str, lots: &[(&str, &str)]) -> Assessment {
    Assessment {
        title: title.into(),
        lots: lots
            .iter()
            .map(|(id, title)| AssessedLot { id: (*id).into(), title: (*title).into(), ..AssessedLot::default() })
            .collect(),
        ..Assessment::new("1", NoticeKind::Call)
    }
}

fn with(mut a: Assessment, kind: ProvisionKind, who: Option<Beneficiary>, lots: &[&str]) -> Assessment {
    let mut p = Provision::new(kind, Evidence::default());
    (p.beneficiary, p.lots) = (who, lots.iter().map(|l| (*l).to_owned()).collect());
    a.provisions.push(p);
    a
}

fn kinds(a: &Assessment, access: Access) -> Vec<&'static str> {
    let can = |k: &StructureKind| of_lot(*k, a, a.lots.first()) == Some(access);
    StructureKind::ALL.into_iter().filter(can).map(StructureKind::acronym).collect()
}

/// "AI et ETTI peuvent répondre" to building a school.
#[test]
fn who_lends_staff_does_not_build_a_school_but_can_serve_whoever_owes_hours() {
    let school = call("Construction d'une école", &[]);
    assert_eq!(kinds(&school, Access::Bid), ["EI", "ACI", "EITI", "EA", "ESAT"]);
    assert_eq!(kinds(&school, Access::Serve), Vec::<&str>::new());
    let claused = with(school, ProvisionKind::ExecutionClause, None, &[]);
    assert_eq!(kinds(&claused, Access::Bid), ["EI", "ACI", "EITI", "EA", "ESAT"]);
    assert_eq!(kinds(&claused, Access::Serve), ["AI", "ETTI", "GEIQ", "EATT"]);
}

#[test]
fn who_sells_services_lends_no_staff() {
    let staff = call("Mise à disposition de personnel de remplacement dans les collèges", &[("1", "Lens")]);
    assert_eq!(kinds(&staff, Access::Bid), ["AI", "ETTI", "GEIQ", "EATT"]);
    let reserved = with(staff, ProvisionKind::Reserved, Some(Beneficiary::Insertion), &[]);
    assert_eq!(kinds(&reserved, Access::Bid), ["AI", "ETTI"]);
    assert_eq!(kinds(&reserved, Access::Serve), Vec::<&str>::new());
    assert_eq!(kinds(&reserved, Access::Closed), ["GEIQ", "EA", "EATT", "ESAT", "SEP"]);
}

#[test]
fn a_reservation_keeps_others_out() {
    let reserved =
        with(call("Entretien d'espaces verts", &[]), ProvisionKind::Reserved, Some(Beneficiary::Disability), &[]);
    assert_eq!(kinds(&reserved, Access::Bid), ["EA", "ESAT"]);
    assert_eq!(kinds(&reserved, Access::Serve), ["EATT"]);
    assert_eq!(kinds(&reserved, Access::Closed), ["EI", "AI", "ACI", "ETTI", "EITI", "GEIQ", "SEP"]);
    let unsaid = with(call("Entretien d'espaces verts", &[]), ProvisionKind::Reserved, None, &[]);
    assert_eq!(kinds(&unsaid, Access::Closed), Vec::<&str>::new());
}

/// An AI read « les AI n’y répondent pas » of a lot reserved to them by name.
#[test]
fn whom_a_reservation_names_may_bid_whatever_there_is_to_do() {
    let to = |quote: &str| {
        let mut a =
            with(call("Entretien d'espaces verts", &[]), ProvisionKind::Reserved, Some(Beneficiary::Insertion), &[]);
        a.provisions[0].evidence.quote = Some(quote.to_owned());
        a
    };
    let named = to("Le lot est réservé aux entreprises d'insertion et associations intermédiaires.");
    assert_eq!(kinds(&named, Access::Bid), ["EI", "AI", "ACI", "EITI"]);
    assert_eq!(kinds(&named, Access::Serve), ["ETTI"]);
    assert_eq!(kinds(&to("Marché réservé aux SIAE."), Access::Serve), ["AI", "ETTI"]);
}

#[test]
fn what_met_is_narrowed_to_the_lots_that_can_be_answered() {
    let lots = [("1", "Espaces verts"), ("2", "Nettoyage"), ("3", "Gardiennage")];
    let a = with(call("Entretien", &lots), ProvisionKind::Reserved, Some(Beneficiary::Disability), &["2"]);
    let ei = Profile { kind: Some(StructureKind::Ei), without_closed: false, ..Profile::default() };
    let lots_of = |m: Option<Match>| m.map(|m| (m.access, m.lots));
    let met = |lots: &[&str]| Match { lots: lots.iter().map(|l| (*l).to_owned()).collect(), ..Match::default() };
    let of = |role, profile: &Profile, m| lots_of(narrowed(role, profile, &a, m));
    assert_eq!(of(Role::Structure, &ei, met(&[])), Some((Access::Bid, vec!["1".into(), "3".into()])));
    assert_eq!(of(Role::Structure, &ei, met(&["2"])), Some((Access::Closed, vec!["2".into()])));
    let off = Profile { without_closed: true, ..ei.clone() };
    assert!(Profile::default().without_closed, "only who asks for it hears of what is reserved to others");
    assert_eq!(of(Role::Structure, &off, met(&["2"])), None);
    assert_eq!(of(Role::Structure, &off, met(&[])), Some((Access::Bid, vec!["1".into(), "3".into()])));
    for (role, profile) in [(Role::Facilitator, &ei), (Role::Structure, &Profile::default())] {
        assert_eq!(of(role, profile, met(&["2"])), Some((Access::Bid, vec!["2".into()])), "{role:?}");
    }
    let etti = Profile { kind: Some(StructureKind::Etti), ..Profile::default() };
    assert_eq!(of(Role::Structure, &etti, met(&["1"])), None);
}
