// Command grapnel is the webhook gateway.
package main

import (
	"os"

	"github.com/grapnel-dev/grapnel/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
