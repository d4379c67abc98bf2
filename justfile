# Shortcuts for people who have `just`; every one is a cargo command.

# List them.
default:
    @just --list

# What can be checked without running anything.
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    cargo xtask tidy

# Everything: the checks, and all tests (as root also those with networks of their own).
test:
    cargo xtask test

# Play one simulated world again.
sim SEED:
    SYSTOLE_SEED={{SEED}} cargo test --package systole-sim --test laws two_node -- --nocapture

# Play N simulated worlds, some of them more than the tests do, explore larger scopes, and renew the control.
soak N="100000": control
    SYSTOLE_WORLDS={{N}} cargo test --release --package systole-sim --test laws two_node -- --nocapture
    SYSTOLE_SCOPE=large cargo test --release --package systole-sim --test explore -- --nocapture

# Play every interleaving of small scopes, and print how many states they have.
explore:
    cargo test --package systole-sim --test explore -- --nocapture

# See that the worlds notice deliberate mistakes, one for each law.
mutations:
    cargo test --package systole-sim --features test-hooks --test mutations -- --nocapture

# Count which transitions of the core's tables worlds and unit tests meet.
coverage:
    cargo test --package systole-sim --features test-hooks --test coverage -- --nocapture
    cargo test --package systole-core --features test-hooks unit_tests_meet

# Play the matrix on two daemons of heartbeat 3.0.6, and add what they did to the control. As root.
control:
    cargo nextest run --package systole-lab --profile waiting --run-ignored only

# Play the matrix on every other pair. As root.
matrix:
    cargo build --workspace --bins
    cargo nextest run --package systole-lab --profile waiting

# Watch two servers fail over on this machine. Asks for root by sudo.
lab *OPTIONS:
    cargo xtask lab {{OPTIONS}}

# Format the sources.
fmt:
    cargo fmt --all
