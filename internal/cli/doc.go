// Package cli is the command line, one file per command. It knows nothing of how the gateway works: commands start it
// through package app or talk to a running one through its API.
//
// Text is for people and --output json for programs. What comes from events and destinations is shown with its control
// characters escaped, so that no payload can write to the terminal.
package cli
