"""The subject: the commit of the measured code, and the versions of the software around it."""
