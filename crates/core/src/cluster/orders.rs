//! Orders that people give.

use super::Cluster;
use super::hand_over::Asker;
use crate::{GroupId, Order, OrderRefusal, Output, Refusal, Scope, Ticket};

impl Cluster {
    pub(super) fn handle_order(&mut self, ticket: Ticket, order: Order) {
        let result: Result<Option<()>, OrderRefusal> = match order {
            Order::Stop => {
                self.begin_shutdown();
                Ok(None)
            }
            Order::Standby(hold) => self.stand_by(Scope::Set(hold), ticket),
            Order::Takeover(hold) => self.take_over(Scope::Set(hold), ticket),
            Order::StandbyGroup(group)
            | Order::TakeoverGroup(group)
            | Order::Hold(Some(group), _)
            | Order::Release(Some(group))
                if !self.is_configured(group) =>
            {
                Err(OrderRefusal::NotListed)
            }
            Order::StandbyGroup(group) if !self.has_here(group) => Err(Refusal::NotHere.into()),
            Order::StandbyGroup(group) => self.stand_by(Scope::Group(group), ticket),
            Order::TakeoverGroup(group) => self.take_over(Scope::Group(group), ticket),
            Order::ForgetPeer(node) => self.forget_peer(node).map(|()| None),
            Order::Retry(group) => self.order_retry(group).map(|()| None),
            Order::ConfirmDead(node) => self.confirm_dead(node).map(|()| None),
            Order::Hold(group, span) => self.order_hold(group, span).map(|()| None),
            Order::Release(group) => self.order_release(group).map(|()| None),
        };
        match result {
            // The answer follows when the hand-over ends.
            Ok(Some(())) => {}
            Ok(None) => self.answer(ticket, Ok(())),
            Err(refusal) => self.answer(ticket, Err(refusal)),
        }
    }

    fn has_here(&self, group: GroupId) -> bool {
        self.is_ours(group) && self.groups[group].row.phase().holds()
    }

    fn stand_by(&mut self, scope: Scope, ticket: Ticket) -> Result<Option<()>, OrderRefusal> {
        Ok(Some(self.order_standby(scope, None, Asker::Person(ticket))?))
    }

    fn take_over(&mut self, scope: Scope, ticket: Ticket) -> Result<Option<()>, OrderRefusal> {
        Ok(self.order_takeover(scope, ticket)?)
    }

    pub(super) fn answer(&mut self, ticket: Ticket, result: Result<(), OrderRefusal>) {
        self.outbox.push_back(Output::Answer { ticket, result });
    }
}
