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
    SYSTOLE_SEED={{SEED}} cargo test --package systole-sim --test laws first_half -- --nocapture

# Play N simulated worlds that no test run has played.
soak N:
    first=$(date +%s); for seed in $(seq $first $((first + {{N}} - 1))); do \
        SYSTOLE_SEED=$seed cargo test --quiet --package systole-sim --test laws first_half || exit 1; \
    done

# Watch two servers fail over on this machine. Asks for root by sudo.
lab *OPTIONS:
    cargo xtask lab {{OPTIONS}}

# Format the sources.
fmt:
    cargo fmt --all
