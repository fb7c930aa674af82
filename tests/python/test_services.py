import rayx
from rayx import queries, services


def test_it_is_the_function_of_the_module():
    assert services.get_node_ip_address is queries.get_node_ip_address
    assert rayx.services is services
    assert rayx.get_node_ip_address is services.get_node_ip_address
