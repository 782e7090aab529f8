//! Terms of several rules and policies as one.

use super::{Approver, Check, Terms};

impl Terms {
    /// These terms, and those of `other` where these have none.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        let named = if self.approvers.is_some() { self } else { other };
        let checked = if self.checks.is_some() { self } else { other };
        Self {
            timeout: self.timeout.or(other.timeout),
            quorum: self.quorum.or(other.quorum),
            approvers: named.approvers.clone(),
            and_approvers: named.and_approvers.clone(),
            separation: self.separation.or(other.separation),
            checks: checked.checks.clone(),
            people_required: checked.people_required,
            per_minute: self.per_minute.or(other.per_minute),
        }
    }

    /// The stricter of both in everything; whoever decides must be one whom both name.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        fn both<T: Copy>(a: Option<T>, b: Option<T>, pick: fn(T, T) -> T) -> Option<T> {
            match (a, b) {
                (Some(a), Some(b)) => Some(pick(a, b)),
                (a, b) => a.or(b),
            }
        }
        fn all(a: Option<&[Check]>, b: Option<&[Check]>) -> Option<Vec<Check>> {
            let (first, second) = (a.or(b)?, b.unwrap_or_default());
            let more = second.iter().filter(|check| !first.contains(check));
            Some(first.iter().chain(more).cloned().collect())
        }
        let mut lists: Vec<&[Approver]> = Vec::new();
        for list in self.lists().chain(other.lists()) {
            if !lists.contains(&list) {
                lists.push(list);
            }
        }
        let mut lists = lists.into_iter().map(<[Approver]>::to_vec);
        Self {
            timeout: both(self.timeout, other.timeout, u64::min),
            quorum: both(self.quorum, other.quorum, u32::max),
            approvers: lists.next(),
            and_approvers: lists.collect(),
            separation: both(self.separation, other.separation, |a, b| a || b),
            checks: all(self.checks.as_deref(), other.checks.as_deref()),
            people_required: self.people_required || other.people_required,
            per_minute: both(self.per_minute, other.per_minute, u32::min),
        }
    }

    /// The stricter of both, where `other` comes from a policy that extends this one. Its checks can deny, and let
    /// nothing pass that people were to decide.
    #[must_use]
    pub fn extended_by(&self, other: &Self) -> Self {
        let unchecked = self.checks.is_none() && other.checks.is_some();
        let both = self.and(other);
        Self { people_required: both.people_required || unchecked, ..both }
    }

    /// The stricter of both, where both ask about one operation. Checks alone let it pass only where both have some.
    #[must_use]
    pub fn combined_with(&self, other: &Self) -> Self {
        let unchecked = self.checks.is_some() != other.checks.is_some();
        let both = self.and(other);
        Self { people_required: both.people_required || unchecked, ..both }
    }

    /// Whether whoever may approve on these terms may do so on `other`, too.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let both = self.combined_with(other);
        let lists = |terms: &Self| terms.lists().count();
        let checks = |terms: &Self| terms.checks.as_ref().map_or(0, Vec::len);
        let alone = |terms: &Self| terms.separation == Some(true);
        both.needed() == self.needed()
            && lists(&both) == lists(self)
            && alone(&both) == alone(self)
            && checks(&both) == checks(self)
    }
}
