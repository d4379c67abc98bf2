//! Safe doors to Linux: links, addresses, announcements, processes, clocks.
