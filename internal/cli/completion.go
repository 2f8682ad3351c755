package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// completion prints a script with which a shell asks this program what can come next.
type completion struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"The shell: bash, zsh or fish."`
}

// Help is shown by kong.
func (*completion) Help() string {
	return `Put it where your shell finds it:

    source <(grapnel completion bash)       in ~/.bashrc
    source <(grapnel completion zsh)        in ~/.zshrc
    grapnel completion fish | source        in ~/.config/fish/config.fish`
}

// Run is called by kong.
func (c *completion) Run(t *terminal) error {
	fmt.Fprint(t.out, map[string]string{
		"bash": `_grapnel() { mapfile -t COMPREPLY < <(grapnel __complete -- "${COMP_WORDS[@]:1:COMP_CWORD}"); }
complete -o default -F _grapnel grapnel
`,
		"zsh": `_grapnel() { compadd -- ${(f)"$(grapnel __complete -- "${(@)words[2,CURRENT]}")"} || _files; }
compdef _grapnel grapnel
`,
		"fish": `complete -c grapnel -a '(grapnel __complete -- (commandline -opc)[2..] (commandline -ct))'
`,
	}[c.Shell])
	return nil
}

// candidates is what the scripts call with the words so far; the last one is being typed.
type candidates struct {
	Words []string `arg:"" optional:"" passthrough:""`
}

// Run is called by kong.
func (c *candidates) Run(t *terminal, parser *kong.Kong) error {
	words := slices.DeleteFunc(c.Words, func(word string) bool { return word == "--" })
	if len(words) == 0 {
		words = []string{""}
	}
	for _, candidate := range complete(parser.Model.Node, words[:len(words)-1], words[len(words)-1]) {
		fmt.Fprintln(t.out, candidate)
	}
	return nil
}

// complete lists what can stand where typed is, after the words before it.
func complete(node *kong.Node, before []string, typed string) []string {
	for _, word := range before {
		if child := childNamed(node, word); child != nil {
			node = child
		}
	}
	var all []string
	switch last := flagNamed(node, before); {
	case last != nil && !last.IsBool():
		all = last.EnumSlice()
	case strings.HasPrefix(typed, "-"):
		for _, flag := range node.Flags {
			all = append(all, "--"+flag.Name)
		}
	default:
		all = wordsOf(node)
	}
	return slices.DeleteFunc(all, func(word string) bool { return !strings.HasPrefix(word, typed) })
}

// wordsOf lists the commands below a node, or the values its first argument can have.
func wordsOf(node *kong.Node) []string {
	var words []string
	for _, child := range node.Children {
		if !child.Hidden {
			words = append(words, child.Name)
		}
	}
	if len(node.Positional) > 0 && node.Positional[0].Enum != "" {
		words = append(words, node.Positional[0].EnumSlice()...)
	}
	return words
}

func childNamed(node *kong.Node, name string) *kong.Node {
	i := slices.IndexFunc(node.Children, func(child *kong.Node) bool { return child.Name == name })
	if i < 0 {
		return nil
	}
	return node.Children[i]
}

// flagNamed is the flag that the last word names, if it is one.
func flagNamed(node *kong.Node, words []string) *kong.Flag {
	if len(words) == 0 {
		return nil
	}
	name := strings.TrimLeft(words[len(words)-1], "-")
	i := slices.IndexFunc(node.Flags, func(flag *kong.Flag) bool {
		return flag.Name == name || flag.Short != 0 && string(flag.Short) == name
	})
	if i < 0 {
		return nil
	}
	return node.Flags[i]
}
