/* The pod sandbox's first process: sleeps, reaps children, ends on SIGINT or SIGTERM. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void on_signal(int signal)
{
	if (signal == SIGCHLD)
		while (waitpid(-1, 0, WNOHANG) > 0)
			;
	else
		_exit(0);
}

int main(void)
{
	struct sigaction action = {.sa_handler = on_signal};
	sigaction(SIGINT, &action, 0);
	sigaction(SIGTERM, &action, 0);
	sigaction(SIGCHLD, &action, 0);
	for (;;)
		pause();
}
