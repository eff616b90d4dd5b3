"""The local copy of an account: `sync` fills it from Syncro, frames and rules answer from it."""
