//! What somebody works in, and where: for what is told to people by trade and place and is no notice. Pure.
//!
//! Whoever says nothing of trades, or of places, is in reach of all of them.

use crate::{Communes, Department, Filter, Place, Sector};

/// What is known of where and in what somebody works.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reach<'a> {
    /// Trades of their profile.
    pub sectors: &'a [Sector],
    /// Départements of their profile.
    pub departments: &'a [Department],
    /// What they subscribed to.
    pub filters: &'a [&'a Filter],
}

impl Reach<'_> {
    /// Whether they work in a trade; what is of no trade is of all.
    #[must_use]
    pub fn works_in(&self, sector: Option<&Sector>) -> bool {
        let mut trades = self.sectors.iter().chain(self.filters.iter().flat_map(|f| &f.sectors)).peekable();
        let any = trades.peek().is_none();
        sector.is_none_or(|mine| any || trades.any(|t| t == mine))
    }

    /// Whether a place is near: a commune by its INSEE code, where it is known, and départements.
    #[must_use]
    pub fn is_near(&self, commune: &str, departments: &[Department], communes: &Communes) -> bool {
        let placed = |f: &&&Filter| f.territory().is_fine() || !f.departments.is_empty();
        let filters: Vec<&&Filter> = self.filters.iter().filter(placed).collect();
        if self.departments.is_empty() && filters.is_empty() {
            return true;
        }
        let place =
            |name: &str, code: &str| Place { city: Some(name.to_owned()), postcode: Some(code.to_owned()), nuts: None };
        let places: Vec<Place> = communes.by_code(commune).map(|c| place(c.name, c.code)).into_iter().collect();
        departments.iter().any(|d| self.departments.contains(d))
            || filters.iter().any(|f| f.territory().test(&places, departments, communes).taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Around;
    use crate::commune::tests::few;

    fn departments(codes: &[&str]) -> Vec<Department> {
        codes.iter().filter_map(|c| Department::parse(c)).collect()
    }

    #[test]
    fn a_trade_is_theirs_where_they_named_it_or_named_none() {
        let (cleaning, gardens) = ("nettoyage".to_owned(), "espaces-verts".to_owned());
        let filter = Filter { sectors: vec![gardens.clone()], ..Filter::default() };
        let (sectors, filters) = ([cleaning.clone()], [&filter]);
        let reach = Reach { sectors: &sectors, filters: &filters, ..Reach::default() };
        assert!(reach.works_in(Some(&cleaning)) && reach.works_in(Some(&gardens)) && reach.works_in(None));
        assert!(!reach.works_in(Some(&"restauration".to_owned())));
        assert!(Reach::default().works_in(Some(&cleaning)));
    }

    #[test]
    fn a_place_is_near_by_departement_or_by_what_they_subscribed_to() {
        let north = departments(&["62"]);
        let near = |own: &[Department], filters: &[&Filter], code: &str, d: &str| {
            Reach { departments: own, filters, ..Reach::default() }.is_near(code, &departments(&[d]), few())
        };
        assert!(near(&[], &[], "62498", "62"), "who says nothing is everywhere");
        assert!(near(&north, &[], "62498", "62") && !near(&north, &[], "59350", "59"));
        let around =
            |commune: &str, km| Filter { around: vec![Around { commune: commune.into(), km }], ..Filter::default() };
        assert!(near(&[], &[&around("62510", 10)], "62498", "62"), "Liévin is beside Lens");
        assert!(!near(&[], &[&around("59350", 5)], "62498", "62"), "Lille is not within five kilometres");
        assert!(near(&[], &[&Filter::default()], "62498", "62"), "a subscription without a place is none");
    }
}
