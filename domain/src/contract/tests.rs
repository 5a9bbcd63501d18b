use super::*;
use crate::award::{Award, ContractData, ContractModification};
use crate::{Assessment, DecisionFact, Evidence, FactKind, Notice, NoticeKind};

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// A notice and its verdict, which repeats its awards.
struct One(Notice, Assessment);

impl One {
    fn of(source: &str, id: &str, kind: NoticeKind, published: &str) -> Self {
        let mut notice = Notice::new(source, id, kind);
        notice.published = Some(day(published));
        notice.title = "Nettoyage des écoles".into();
        notice.buyer.siret = Some("21590350100017".into());
        let assessment = Assessment { title: notice.title.clone(), ..Assessment::new(id, kind) };
        Self(notice, assessment)
    }

    fn with(mut self, awards: Vec<Award>) -> Self {
        self.0.awards.clone_from(&awards);
        self.1.awards = awards;
        self
    }

    /// Essential data of one contract.
    fn decp(id: &str, notified: &str, award: Award, data: ContractData) -> Self {
        let number = Some(id.to_owned());
        let data = ContractData { number, notified: Some(day(notified)), ..data };
        Self::of("decp", id, NoticeKind::Award, notified).with(vec![Award { contract: Some(Box::new(data)), ..award }])
    }
}

fn call() -> One {
    let mut one = One::of("boamp", "26-1", NoticeKind::Call, "2026-01-10");
    one.1.lots = [("1", "Nettoyage des écoles maternelles"), ("2", "Vitrerie"), ("3", "Désinfection")]
        .map(|(id, title)| crate::assessment::AssessedLot { id: id.into(), title: title.into(), ..Default::default() })
        .into();
    let quote = Some("le titulaire réserve 300 heures".to_owned());
    let mut clause = Provision::new(ProvisionKind::ExecutionClause, Evidence { field: None, quote });
    (clause.lots, clause.hours) = (vec!["1".into()], Some(300.0));
    one.1.provisions.push(clause);
    for (kind, value) in [(FactKind::Duration, 12.0), (FactKind::Renewals, 3.0), (FactKind::LatestEnd, 48.0)] {
        let evidence = Evidence { field: Some("duration".into()), quote: None };
        one.1.facts.push(DecisionFact { kind, value: Some(value), evidence, lot: None });
    }
    one
}

fn won(lot: &str, name: &str) -> Award {
    Award { lot: Some(lot.into()), winners: vec![name.into()], ..Award::default() }
}

fn martin() -> Company {
    Company { id: Some("55204599900869".into()), ..Company::named("ETABLISSEMENTS MARTIN") }
}

fn read(notices: &[One]) -> Vec<Contract> {
    let published: Vec<Published<'_>> = notices.iter().map(|n| Published { notice: &n.0, assessment: &n.1 }).collect();
    contracts("p", &published)
}

/// Every order of some notices.
fn orders(n: usize) -> Vec<Vec<usize>> {
    if n == 0 {
        return vec![Vec::new()];
    }
    let mut out = Vec::new();
    for order in orders(n - 1) {
        for at in 0..n {
            let mut one = order.clone();
            one.insert(at, n - 1);
            out.push(one);
        }
    }
    out
}

#[test]
fn a_contract_is_the_same_whatever_came_first() {
    let all = || {
        vec![
            call(),
            One::of("boamp", "26-9", NoticeKind::Award, "2026-03-01").with(vec![won("1", "Martin SARL")]),
            One::of("ted", "1-2026", NoticeKind::Award, "2026-03-03").with(vec![won("1", "Martin")]),
            One::decp(
                "2026-14",
                "2026-02-20",
                Award { amount: Some(120_000.0), ..Award::to(Some("1".into()), vec![martin()]) },
                ContractData { months: Some(48.0), offers_received: Some(4), ..ContractData::default() },
            ),
            One::of("boamp", "26-20", NoticeKind::Modification, "2027-05-01")
                .with(vec![Award { amount: Some(150_000.0), ..won("1", "Martin SARL") }]),
        ]
    };
    let first = read(&all());
    assert_eq!(first.len(), 1);
    let c = &first[0];
    assert_eq!(
        (c.state, c.lot.as_str(), c.title.as_str()),
        (ContractState::Awarded, "1", "Nettoyage des écoles maternelles")
    );
    assert_eq!(c.holders.len(), 1, "one company under three spellings: {:?}", c.holders);
    assert_eq!(c.holders[0].company.siren(), Some("552045999"));
    assert_eq!(c.amount.as_ref().unwrap().value.euros, 150_000.0, "as modified");
    assert_eq!(c.ends.unwrap().on, day("2030-02-20"));
    assert_eq!(
        c.ends.unwrap().in_french(),
        "notifié le 20 février 2026, 48\u{a0}mois au plus, reconductions comprises"
    );
    assert_eq!((c.owed_in_french().as_str(), c.offers_received.as_ref().unwrap().value), ("300\u{a0}heures", 4));
    assert_eq!(c.owed[0].notice, "boamp:26-1", "the hours are those of the clause");
    for order in orders(5) {
        let shuffled: Vec<One> = {
            let mut all: Vec<Option<One>> = all().into_iter().map(Some).collect();
            order.iter().filter_map(|n| all[*n].take()).collect()
        };
        assert_eq!(read(&shuffled), first, "{order:?}");
    }
}

#[test]
fn each_lot_has_its_own_end() {
    let award = One::of("boamp", "26-9", NoticeKind::Award, "2026-03-01")
        .with(vec![won("1", "Martin SARL"), Award::none(Some("2".into()), Some(NoAwardReason::NoRece))]);
    let found = read(&[call(), award]);
    let states: Vec<(&str, ContractState)> = found.iter().map(|c| (c.lot.as_str(), c.state)).collect();
    assert_eq!(states, [("1", ContractState::Awarded), ("2", ContractState::NotAwarded)], "nothing is said of lot 3");
    assert_eq!(found[1].reason, Some(NoAwardReason::NoRece));
    assert!(found[0].is_held() && found[0].owes_work() && !found[1].is_held());
    let end = found[0].ends.unwrap();
    assert_eq!(end.on, day("2030-03-01"));
    assert!(end.is_estimated());
    assert_eq!(
        end.in_french(),
        "attribution publiée le 1er mars 2026 (jour de notification inconnu), 12\u{a0}mois reconductibles 3 fois"
    );
}

#[test]
fn a_duration_runs_from_the_day_of_the_decision_where_the_notice_of_it_came_a_year_later() {
    let decided = |on: &str| {
        let award = Award { decided: Some(day(on)), ..won("1", "Martin SARL") };
        read(&[call(), One::of("boamp", "27-9", NoticeKind::Award, "2027-03-01").with(vec![award])]).remove(0)
    };
    let c = decided("2026-02-02");
    let end = c.ends.unwrap();
    assert_eq!((end.on, c.decided_on.unwrap().value), (day("2030-02-02"), day("2026-02-02")));
    assert!(end.in_french().starts_with("attribué le 2 février 2026 (jour de notification inconnu)"));
    assert_eq!(c.awarded_on.unwrap().value, day("2027-03-01"));
    // Nobody publishes before they decide: another century is a slip.
    let c = decided("2106-02-02");
    assert_eq!((c.ends.unwrap().on, c.decided_on), (day("2031-03-01"), None));
}

#[test]
fn what_cannot_be_is_left_out_and_told() {
    for (amount, months, euros, end) in [
        (1.0, 48.0, None, Some("2030-02-20")),
        (0.0, 999.0, None, Some("2030-02-20")),
        (120_000.0, 0.0, Some(120_000.0), Some("2030-02-20")),
        (90_000.0, 24.0, Some(90_000.0), Some("2028-02-20")),
    ] {
        let award = Award { amount: Some(amount), ..Award::to(Some("1".into()), vec![martin()]) };
        let decp =
            One::decp("14", "2026-02-20", award, ContractData { months: Some(months), ..ContractData::default() });
        let c = read(&[call(), decp]).remove(0);
        assert_eq!(c.amount.map(|a| a.value.euros), euros, "{amount} {months}");
        // A duration that cannot be leaves that of the call.
        assert_eq!(c.ends.map(|e| e.on), end.map(day), "{amount} {months}");
        assert_eq!(c.doubts.is_empty(), euros.is_some() && months != 0.0, "{:?}", c.doubts);
    }
}

#[test]
fn an_award_that_names_no_lot_is_of_the_lot_whose_title_it_repeats_or_of_an_unknown_one() {
    let named = One::decp("14", "2026-02-20", Award::to(None, vec![martin()]), ContractData::default());
    let mut of_lot = named;
    of_lot.0.title = "Lot vitrerie des bâtiments".into();
    let c = read(&[call(), of_lot]).remove(0);
    assert_eq!((c.lot.as_str(), c.lot_unknown), ("2", false));
    let unknown = One::decp("14", "2026-02-20", Award::to(None, vec![martin()]), ContractData::default());
    let mut unknown = unknown;
    unknown.0.title = "Marché 2026-14".into();
    let c = read(&[call(), unknown]).remove(0);
    assert!(c.lot_unknown && !c.owes_work(), "a clause of lot 1 binds no lot that nobody names: {c:?}");
    // Undivided, it is the whole.
    let c = read(&[One::decp("14", "2026-02-20", Award::to(None, vec![martin()]), ContractData::default())]).remove(0);
    assert_eq!((c.lot.as_str(), c.lot_unknown, c.is_held()), ("", false, true));
}

#[test]
fn two_winners_share_a_lot_and_a_later_notice_of_the_same_source_corrects() {
    let both = Award { winners: vec!["Martin SARL".into(), "Dupont".into()], ..won("1", "") };
    let first = One::of("boamp", "26-9", NoticeKind::Award, "2026-03-01").with(vec![both]);
    assert_eq!(read(&[first]).remove(0).holders_in_french(), "Martin SARL et Dupont");
    let wrong = One::of("boamp", "26-9", NoticeKind::Award, "2026-03-01").with(vec![won("1", "Martin SARL")]);
    let right = One::of("boamp", "26-12", NoticeKind::Award, "2026-03-09").with(vec![won("1", "Durand")]);
    let corrected = read(&[right, wrong]).remove(0);
    assert_eq!(corrected.holders_in_french(), "Durand");
    let by_name = One::of("boamp", "26-9", NoticeKind::Award, "2026-03-01").with(vec![won("1", "Martin SARL")]);
    let by_number = One::decp("14", "2026-02-20", Award::to(Some("1".into()), vec![martin()]), ContractData::default());
    let (by_name, by_number) = (read(&[by_name]).remove(0), read(&[by_number]).remove(0));
    assert!(by_name.has_holders_of(&by_number) && !by_name.has_holders_of(&corrected));
    // A short name, or one of common words alone, is as good a name: with its number later, it is no other holder.
    for (awarded, numbered) in
        [("3M", "3M"), ("SARL AB", "AB"), ("L’Agence", "L'AGENCE"), ("Entreprise 7", "ENTREPRISE 7")]
    {
        let by_name = One::of("boamp", "26-9", NoticeKind::Award, "2026-03-01").with(vec![won("1", awarded)]);
        let company = Company { id: martin().id, ..Company::named(numbered) };
        let by_number = || {
            One::decp("14", "2026-02-20", Award::to(Some("1".into()), vec![company.clone()]), ContractData::default())
        };
        let before = read(&[by_name]).remove(0);
        let after = read(&[
            One::of("boamp", "26-9", NoticeKind::Award, "2026-03-01").with(vec![won("1", awarded)]),
            by_number(),
        ])
        .remove(0);
        assert_eq!(after.holders.len(), 1, "{awarded}: {:?}", after.holders);
        assert!(before.has_holders_of(&after), "{awarded}");
    }
    let other = One::of("boamp", "26-9", NoticeKind::Award, "2026-03-01").with(vec![won("1", "AC")]);
    assert!(!read(&[other]).remove(0).has_holders_of(
        &read(&[One::of("boamp", "26-9", NoticeKind::Award, "2026-03-01").with(vec![won("1", "AB")])]).remove(0)
    ));
    // A number in the place of a name is a number.
    let number = One::of("decp", "1", NoticeKind::Award, "2026-03-01").with(vec![won("1", "55204599900869")]);
    assert_eq!(read(&[number]).remove(0).holders[0].company.siren(), Some("552045999"));
}

#[test]
fn winners_that_one_notice_names_apart_are_apart_however_alike_their_names() {
    let lot = || Some("1".to_owned());
    let (short, long) = (Company::named("Dupont"), Company::named("Dupont Nettoyage SARL"));
    let with = |c: &Company, id: &str| Company { id: Some(id.into()), ..c.clone() };
    let award = || {
        One::of("boamp", "26-9", NoticeKind::Award, "2026-03-01")
            .with(vec![Award::to(lot(), vec![short.clone(), long.clone()])])
    };
    let data = |id: &str, company: Company| {
        One::decp(id, "2026-02-20", Award::to(lot(), vec![company]), ContractData::default())
    };
    let names = |c: &Contract| -> Vec<(String, Option<String>)> {
        let mut all: Vec<_> =
            c.holders.iter().map(|h| (h.company.name.clone(), h.company.siren().map(str::to_owned))).collect();
        all.sort();
        all
    };
    let found = read(&[call(), award()]).remove(0);
    assert_eq!(names(&found).len(), 2, "{:?}", found.holders);
    // Their numbers come with the data of each one's contract, and go to the one that bears the name.
    let all = [
        call(),
        award(),
        data("2026-14", with(&long, "55204599900869")),
        data("2026-15", with(&short, "44332211000017")),
    ];
    let expected = [("Dupont", "443322110"), ("Dupont Nettoyage SARL", "552045999")];
    let expected: Vec<_> = expected.iter().map(|(n, s)| ((*n).to_owned(), Some((*s).to_owned()))).collect();
    assert_eq!(names(&read(&all).remove(0)), expected);
    let one = [call(), award(), data("2026-14", with(&long, "55204599900869"))];
    assert_eq!(names(&read(&one).remove(0)), [("Dupont".to_owned(), None), expected[1].clone()]);
}

#[test]
fn a_modification_before_its_contract_waits_for_it() {
    let longer = ContractModification {
        number: 1,
        on: Some(day("2027-05-01")),
        months: Some(60.0),
        ..ContractModification::default()
    };
    let modified = ContractData { months: Some(48.0), modifications: vec![longer], ..ContractData::default() };
    let decp = || One::decp("14", "2026-02-20", Award::to(Some("1".into()), vec![martin()]), modified.clone());
    let alone = One::of("boamp", "26-20", NoticeKind::Modification, "2027-05-01");
    let c = read(std::slice::from_ref(&alone)).remove(0);
    assert_eq!((c.state, c.ends, c.holders.len()), (ContractState::Awarded, None, 0), "nothing is made up");
    let c = read(&[decp()]).remove(0);
    assert_eq!(c.ends.unwrap().on, day("2031-02-20"), "moved by it");
    assert_eq!(c.modified_on.unwrap().value, day("2027-05-01"));
    // Another company takes it over.
    let mut sold = decp();
    let change = ContractModification { holders: vec![Company::named("Durand")], number: 2, ..Default::default() };
    sold.1.awards[0]
        .contract
        .as_mut()
        .unwrap()
        .modifications
        .push(ContractModification { on: Some(day("2028-01-01")), ..change });
    assert_eq!(read(&[sold]).remove(0).holders_in_french(), "Durand");
}

#[test]
fn a_terminated_or_completed_contract_is_over_and_one_past_its_end_too() {
    let award = || One::of("boamp", "26-9", NoticeKind::Award, "2026-03-01").with(vec![won("1", "Martin SARL")]);
    let mut ended =
        One::of("boamp", "26-30", NoticeKind::Modification, "2027-05-01").with(vec![won("1", "Martin SARL")]);
    ended.0.title = "Le marché est résilié aux torts du titulaire".into();
    let c = read(&[call(), award(), ended]).remove(0);
    assert_eq!(c.state, ContractState::Terminated);
    let done = One::of("ted", "9", NoticeKind::Completion, "2028-03-01").with(vec![won("1", "Martin SARL")]);
    assert_eq!(read(&[call(), award(), done]).remove(0).state, ContractState::Ended);
    let running = read(&[call(), award()]).remove(0);
    assert_eq!(running.state_on(day("2030-03-01")), ContractState::Awarded);
    assert_eq!(running.state_on(day("2030-03-02")), ContractState::Ended);
    let off = One::of("boamp", "26-8", NoticeKind::Cancellation, "2026-04-01").with(vec![]);
    let c = read(&[call(), off]);
    assert_eq!((c.len(), c[0].state), (1, ContractState::Cancelled));
}

#[test]
fn what_somebody_knows_counts_before_what_is_published() {
    let data = ContractData { ends: Some(day("2029-12-31")), hours: Some(450.0), ..ContractData::default() };
    let hand = One::of(BY_HAND, "1", NoticeKind::Award, "2026-06-01")
        .with(vec![Award { contract: Some(Box::new(data)), ..won("2", "Martin SARL") }]);
    let c = read(&[call(), hand]).remove(0);
    assert_eq!((c.ends.unwrap().on, c.ends.unwrap().is_estimated()), (day("2029-12-31"), false));
    assert!(c.owes_work() && c.owed_in_french() == "450\u{a0}heures", "{c:?}");
}
