// pion_relay: two clients of pion/turn that reach each other through a relay, one of which sends
// back what it gets, and compares all data.
//
//	pion_relay udp|tcp|tls SERVER:PORT USER PASSWORD REALM CA-FILE NAME
//
// Over TLS the certificate must be of that authority and have that name. Prints "N messages" and
// ends with 0 when each message came back as it was sent.
package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/pion/logging"
	"github.com/pion/turn/v2"
)

const messages = 400

// On a stream this release of pion does not look at frames of fewer than nine bytes.
var sizes = []int{5, 6, 7, 8, 9, 100, 576, 1000, 1199, 1200}

func check(what string, err error) {
	if err != nil {
		fmt.Println(what+":", err)
		os.Exit(1)
	}
}

func message(number int) []byte {
	m := make([]byte, sizes[number%len(sizes)])
	for i := range m {
		m[i] = byte(number*31 + i*7)
	}
	return m
}

func connect(transport, server, ca, name string) net.PacketConn {
	if transport == "udp" {
		conn, err := net.ListenPacket("udp4", "0.0.0.0:0")
		check("listen", err)
		return conn
	}
	conn, err := net.Dial("tcp4", server)
	check("connect", err)
	if transport == "tls" {
		pem, err := os.ReadFile(ca)
		check("authority", err)
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(pem)
		secure := tls.Client(conn, &tls.Config{RootCAs: pool, ServerName: name})
		check("handshake", secure.Handshake())
		conn = secure
	}
	return turn.NewSTUNConn(conn)
}

func allocate(args []string) (*turn.Client, net.PacketConn) {
	client, err := turn.NewClient(&turn.ClientConfig{
		STUNServerAddr: args[1],
		TURNServerAddr: args[1],
		Conn:           connect(args[0], args[1], args[5], args[6]),
		Username:       args[2],
		Password:       args[3],
		Realm:          args[4],
		LoggerFactory:  logging.NewDefaultLoggerFactory(),
	})
	check("client", err)
	check("client", client.Listen())
	relayed, err := client.Allocate()
	check("allocate", err)
	return client, relayed
}

func echo(conn net.PacketConn) {
	buf := make([]byte, 2000)
	for {
		n, from, err := conn.ReadFrom(buf)
		if err != nil {
			return
		}
		if _, err = conn.WriteTo(buf[:n], from); err != nil {
			return
		}
	}
}

// Each one waits for its echo: so none may be lost, and their order is known.
func talk(conn net.PacketConn, to net.Addr) {
	buf := make([]byte, 2000)
	for number := 0; number < messages; number++ {
		_, err := conn.WriteTo(message(number), to)
		check("send", err)
		check("deadline", conn.SetReadDeadline(time.Now().Add(5*time.Second)))
		n, from, err := conn.ReadFrom(buf)
		check(fmt.Sprintf("message %d", number), err)
		if from.String() != to.String() || !bytes.Equal(buf[:n], message(number)) {
			fmt.Println("message", number, "came back changed")
			os.Exit(1)
		}
	}
}

func main() {
	if len(os.Args) != 8 {
		fmt.Println("see the comment in pion_relay.go")
		os.Exit(2)
	}
	first, a := allocate(os.Args[1:])
	second, b := allocate(os.Args[1:])
	check("permission", second.CreatePermission(a.LocalAddr())) // a's comes with its first message
	go echo(b)
	talk(a, b.LocalAddr())
	check("close", a.Close())
	check("close", b.Close())
	first.Close()
	second.Close()
	fmt.Println(messages, "messages")
}
