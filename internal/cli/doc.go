// Package cli is the command line, one file per command. It knows nothing of how the gateway works: commands start it
// through package app or talk to a running one through its API.
package cli
