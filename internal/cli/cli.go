package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/alecthomas/kong"
)

// commands is what can be typed.
type commands struct {
	Help helpFlag `help:"Show help." short:"h"`

	Serve   serve   `cmd:"" help:"Run the gateway."`
	Dev     dev     `cmd:"" help:"Run a gateway to try things with: no configuration needed."`
	Check   check   `cmd:"" help:"Check a configuration without running it."`
	Explain explain `cmd:"" help:"Say what will happen to an event of a webhook."`
	Schema  schema  `cmd:"" help:"Print the JSON Schema of the configuration, for editors."`

	Send    send    `cmd:"" help:"Send a signed test request to a webhook."`
	Events  events  `cmd:"" help:"List events, newest first."`
	Event   show    `cmd:"" help:"Show an event and the timeline of its attempts."`
	Dead    dead    `cmd:"" help:"List dead letters."`
	Replay  replay  `cmd:"" help:"Start dead letters or other ended deliveries again."`
	Discard discard `cmd:"" help:"Give deliveries up."`
	Pause   pause   `cmd:"" help:"Stop deliveries to a destination; what arrives for it waits."`
	Resume  resume  `cmd:"" help:"Let deliveries to a destination flow again."`

	Version    version    `cmd:"" help:"Print the version."`
	Completion completion `cmd:"" help:"Print the completion script of a shell."`
	Candidates candidates `cmd:"" hidden:"" name:"__complete"`
}

const description = `Grapnel receives webhooks, keeps each one on disk, and delivers it until it is delivered or you decide otherwise.

Exit codes: 0 done; 1 failed, or the answer is no; 2 the command or the configuration is wrong; 3 the gateway cannot be reached.`

// Main runs the command that args name and gives the process's exit code.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	err := run(context.Background(), args, newTerminal(stdin, stdout, stderr))
	if message := explainError(err); message != "" {
		fmt.Fprintln(stderr, "grapnel: "+message)
	}
	return exitCode(err)
}

func run(ctx context.Context, args []string, t *terminal) error {
	parser, err := newParser(t)
	if err != nil {
		return err
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	if errors.Is(err, errHelped) {
		return nil
	}
	if err != nil {
		return usage(err)
	}
	command.BindTo(ctx, (*context.Context)(nil))
	return command.Run(t, parser)
}

func newParser(t *terminal) (*kong.Kong, error) {
	return kong.New(&commands{},
		kong.Name("grapnel"), kong.Description(description), kong.Writers(t.out, t.err),
		kong.NoDefaultHelp(), kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true, WrapUpperBound: 100}))
}

// usage turns an error of the parser into one that says where help is.
func usage(err error) error {
	command := "grapnel"
	if parse, ok := errors.AsType[*kong.ParseError](err); ok && parse.Context != nil && parse.Context.Selected() != nil {
		command += " " + parse.Context.Selected().Name
	}
	return usageError{errors.Join(err, fmt.Errorf("run %q for help", command+" --help"))}
}

// helpFlag prints the help of the command and ends the parsing.
type helpFlag bool

var errHelped = errors.New("help was printed")

// BeforeReset is called by kong when the flag is given.
func (helpFlag) BeforeReset(ctx *kong.Context) error {
	return errors.Join(ctx.PrintUsage(false), errHelped)
}
