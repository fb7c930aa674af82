// A control server for tests of the supervisor: serves nobody, and ends only when it is killed.
#include <unistd.h>

#include <csignal>

int main() {
  ::signal(SIGTERM, SIG_IGN);
  ::signal(SIGINT, SIG_IGN);
  while (true) ::pause();
}
