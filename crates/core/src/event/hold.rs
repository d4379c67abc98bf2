//! What is held by order, and what is kept where it is.

use crate::{GroupId, NodeId};
use std::time::Duration;

/// What is held by an order, or kept where it is after too many moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldEvent {
    /// Nothing, or not this group, moves automatically from now on.
    Begins {
        /// The group; everything if absent.
        group: Option<GroupId>,
        /// The node on which it was ordered.
        by: NodeId,
        /// How long it lasts.
        left: Duration,
    },
    /// The hold was ended by an order.
    Released {
        /// The group; everything if absent.
        group: Option<GroupId>,
        /// The node on which it was ordered.
        by: NodeId,
    },
    /// The hold has expired.
    Expired {
        /// The group; everything if absent.
        group: Option<GroupId>,
    },
    /// A group has moved automatically too often, and is kept where it is.
    Down {
        /// The group.
        group: GroupId,
        /// How often it has moved lately.
        moves: u8,
        /// How long it is kept.
        span: Duration,
    },
    /// The group is no longer kept where it is.
    DownOver {
        /// The group.
        group: GroupId,
    },
}
