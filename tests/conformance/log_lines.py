"""What Debian's fail2ban writes to its own log: a JSON request on standard input, a JSON answer on standard output.

In:   {"target": TARGET, "file": PATH or "socket": PATH, "records": [[LOGGER, LEVEL, MESSAGE]...]}
Out:  {"sent": [TEXT...]} with what came to the file (its lines) or to the socket (its datagrams), without the
      lines by which fail2ban says that it has another target
"""
import json
import os
import socket
import sys

from fail2ban.helpers import getLogger
from fail2ban.server.server import Server

request = json.load(sys.stdin)
# fail2ban makes the format of a target by how much its command line was asked to tell.
server = Server()
server._Server__verbose = 0
receiver = None
if "socket" in request:
    receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    receiver.bind(request["socket"])
    receiver.setblocking(False)
    server.setSyslogSocket(request["socket"])
server.setLogLevel("WARNING")
server.setLogTarget(request["target"])
server.setLogLevel("INFO")
for logger, level, message in request["records"]:
    getLogger("fail2ban." + logger).log(level, message)

sent = []
if receiver:
    try:
        while True:
            sent.append(receiver.recv(65536).decode())
    except BlockingIOError:
        pass
else:
    with open(request["file"]) as log:
        sent = log.read().splitlines()
sent = [line for line in sent if "Start Fail2ban" not in line and "Changed logging target" not in line]
json.dump({"sent": sent, "process": os.getpid()}, sys.stdout)
